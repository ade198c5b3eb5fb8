"""The `.scaipkg`: one version of a flow in one file. Pure: no Django, no database, no clock.

A zip of `package.json`, `flow.json`, `manifest.yaml` and, when there is one, `README.md`, in this order. The first holds
`{format: 1, package_id, name, description, version, files: {name: SHA-256 in hex}}`.

The same package gives the same bytes everywhere: keys are sorted, times, permissions and order are fixed, and nothing is
compressed, because two builds of zlib do not compress alike. What is read may be compressed; it is read within bounds.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

FORMAT = 1
MAX_BYTES = 32 * 1024 * 1024
"""Of the file, and of all that is in it."""
# What the library raises for bytes that are no zip, or that say impossible things about themselves.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, OverflowError, RuntimeError,
    ValueError,
)  # fmt: skip

INDEX, CONTENT, MANIFEST, README = "package.json", "flow.json", "manifest.yaml", "README.md"
ORDER = (INDEX, CONTENT, MANIFEST, README)
NEEDED = {INDEX, CONTENT, MANIFEST}
MAX_INDEX = 64 * 1024
SUFFIX = ".scaipkg"

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can name
_UNIX = 3
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACKAGE_ID = re.compile(r"(?=.{1,100}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}", re.ASCII)
_PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class PackageError(Exception):
    """Not a package, or not one that may be read. The message says why."""


@dataclass(frozen=True)
class Package:
    """One version of a flow. `content` is its FlowGraph document, `manifest` the YAML it compiles to (UTF-8)."""

    package_id: str
    name: str
    version: str
    content: dict[str, Any]
    manifest: bytes
    description: str = ""
    readme: str | None = None


def write_package(package: Package) -> bytes:
    """The file. Raises PackageError when `read_package` would refuse it."""
    # Indented, a document of deep lists would grow many times over, and one that may be saved be too large to be published.
    files = {CONTENT: _json(package.content), MANIFEST: package.manifest}
    if package.readme is not None:
        files[README] = _utf8(package.readme)
    index = {
        "format": FORMAT,
        "package_id": package.package_id,
        "name": package.name,
        "description": package.description,
        "version": package.version,
        "files": {name: _digest(body) for name, body in files.items()},
    }
    _check_index(index)
    _text_of(files, MANIFEST)
    written = _zipped({INDEX: _json(index, _PRETTY), **files})
    if len(written) > MAX_BYTES:
        raise PackageError(f"the package would be larger than {MAX_BYTES} bytes")
    return written


def read_package(body: bytes) -> Package:
    """What `write_package` wrote. Raises PackageError on anything else; nothing is ever unpacked to disk."""
    try:
        files = _unzipped(body)
    except UNREADABLE as error:
        raise PackageError(f"not a package: the zip cannot be read ({error})") from None
    index = _map_of(files, INDEX)
    _check_index(index)
    _check_digests(index["files"], files)
    return Package(
        package_id=index["package_id"],
        name=index["name"],
        version=index["version"],
        content=_map_of(files, CONTENT),
        manifest=_text_of(files, MANIFEST).encode(),
        description=index["description"],
        readme=_text_of(files, README) if README in files else None,
    )


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in ORDER:
            if name in files:
                entry = zipfile.ZipInfo(name, _FIRST_DAY)
                entry.create_system = _UNIX  # else it is the writing machine's
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, files[name])
    return out.getvalue()


def _unzipped(body: bytes) -> dict[str, bytes]:
    if len(body) > MAX_BYTES:
        raise PackageError(f"the package is larger than {MAX_BYTES} bytes")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        entries = archive.infolist()
        _check_entries(entries)
        left = MAX_BYTES
        files = {}
        for entry in entries:
            files[entry.filename] = _read(archive, entry, left)
            left -= len(files[entry.filename])
    return files


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Names are taken from a list of four, so that no path in a zip ever leads anywhere."""
    names = [entry.filename for entry in entries]
    if strange := [name for name in names if name not in ORDER]:
        raise PackageError(f"the package holds {strange[0][:100]!r}; only {', '.join(ORDER)} belong in it")
    if len(set(names)) < len(names):
        raise PackageError("the package holds a file twice")
    if missing := sorted(NEEDED - set(names)):
        raise PackageError(f"the package lacks {missing[0]}")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise PackageError(f"{entry.filename} is not a plain file")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise PackageError(f"{entry.filename} is encrypted, or packed in a way that is not read")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """What the zip says of sizes may be a lie: no more than what is left is ever unpacked."""
    most = min(left, MAX_INDEX) if entry.filename == INDEX else left
    with archive.open(entry) as opened:
        body = opened.read(most + 1)
    if len(body) > most:
        raise PackageError(f"{entry.filename} is too large: a package holds at most {MAX_BYTES} bytes")
    return body


def _check_index(index: dict[str, Any]) -> None:
    if index.get("format") != FORMAT or isinstance(index.get("format"), bool):
        raise PackageError(f"{INDEX}: format must be {FORMAT}")
    for key in ("package_id", "name", "description", "version"):
        if not isinstance(index.get(key), str):
            raise PackageError(f"{INDEX}: {key} must be text")
    if not _PACKAGE_ID.fullmatch(index["package_id"]):
        raise PackageError(f"{INDEX}: package_id must be a slug of a-z, 0-9 and single dashes, at most 100 long")
    if not _VERSION.fullmatch(index["version"]):
        raise PackageError(f"{INDEX}: version must be three numbers, such as 1.0.0")
    if not isinstance(index.get("files"), dict):
        raise PackageError(f"{INDEX}: files must be a map")


def _check_digests(told: dict[str, Any], files: dict[str, bytes]) -> None:
    found = {name: _digest(body) for name, body in files.items() if name != INDEX}
    if told.keys() != found.keys():
        raise PackageError(f"{INDEX} does not list the files that are there")
    for name, digest in found.items():
        if told[name] != digest:
            raise PackageError(f"{name} is not the file that {INDEX} names: its SHA-256 differs")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _json(value: Any, style: int = 0) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | style)
    except TypeError as error:
        raise PackageError(f"the flow is not plain JSON data ({error})") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise PackageError(f"{README} holds half of a surrogate pair, which is no character") from None


def _map_of(files: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        value = orjson.loads(files[name])
    except orjson.JSONDecodeError as error:
        raise PackageError(f"{name} is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise PackageError(f"{name} must be a map")
    return value


def _text_of(files: dict[str, bytes], name: str) -> str:
    try:
        return files[name].decode()
    except UnicodeDecodeError:
        raise PackageError(f"{name} is not UTF-8") from None
