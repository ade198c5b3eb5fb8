"""The file that a flow is published as."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.packaging import MAX_BYTES, Package, PackageError, read_package, write_package

PACKAGE = Package(
    package_id="customer-support",
    name="Customer Support",
    version="1.0.2",
    content={"name": "Customer Support", "nodes": [], "edges": [], "unheard_of": {"ü": [1, None, 2.5]}},
    manifest=b"core:\n  name: customer-support\n",
    description="Sorts and answers.",
    readme="# Customer Support\n",
)
LINK = (0o120777) << 16


def files_of(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: dict[str, bytes], *, mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode
            archive.writestr(entry, body, compress_type=method)
    return out.getvalue()


def with_index(**changes: Any) -> bytes:
    files = files_of(write_package(PACKAGE))
    index = json.loads(files["package.json"]) | changes
    return zipped(files | {"package.json": json.dumps(index).encode()})


def test_a_package_comes_back_whole() -> None:
    assert read_package(write_package(PACKAGE)) == PACKAGE
    bare = replace(PACKAGE, readme=None, description="")
    assert read_package(write_package(bare)) == bare


def test_the_same_package_is_the_same_bytes_in_every_process() -> None:
    turned = replace(PACKAGE, content=dict(reversed(PACKAGE.content.items())))
    assert write_package(turned) == write_package(PACKAGE)
    code = f"from catalog.packaging import *; print(hashlib.sha256(write_package({PACKAGE!r})).hexdigest())"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert told == {hashlib.sha256(write_package(PACKAGE)).hexdigest()}


def test_a_document_takes_no_more_room_in_its_package_than_in_a_save() -> None:
    wide: Any = [1] * 100_000
    for _ in range(50):
        wide = [wide]
    body = write_package(replace(PACKAGE, content={"name": "x", "wide": wide}))
    assert len(body) < 2 * len(json.dumps(wide))


def test_the_order_the_times_and_the_permissions_are_fixed() -> None:
    with zipfile.ZipFile(io.BytesIO(write_package(PACKAGE))) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["package.json", "flow.json", "manifest.yaml", "README.md"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_the_packaging_needs_no_django() -> None:
    code = "import sys, catalog.packaging; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_package_that_another_tool_packed_is_read() -> None:
    assert read_package(zipped(files_of(write_package(PACKAGE)))) == PACKAGE


GOOD = files_of(write_package(PACKAGE))


def beyond(body: bytes) -> bytes:
    """The first entry says, in the form for very large zips, that it begins at the last byte that can be counted."""
    at = body.index(b"PK\x01\x02")
    entry, name = bytearray(body[at : at + 46]), body[at + 46 : at + 46 + len("package.json")]
    extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    entry[30:32], entry[42:46] = struct.pack("<H", len(extra)), b"\xff" * 4
    changed = body[:at] + bytes(entry) + name + extra + body[at + 46 + len(name) :]
    end = changed.rindex(b"PK\x05\x06")
    size = struct.unpack("<I", changed[end + 12 : end + 16])[0] + len(extra)
    return changed[: end + 12] + struct.pack("<I", size) + changed[end + 16 :]


HOSTILE = {
    "nothing": b"",
    "no zip": b"PK, or is it?",
    "a path upwards": zipped(GOOD | {"../evil.py": b""}),
    "an absolute path": zipped(GOOD | {"/etc/passwd": b""}),
    "a folder": zipped(GOOD | {"docs/": b""}),
    "a stranger": zipped(GOOD | {"setup.py": b""}),
    "links": zipped(GOOD, mode=LINK),
    "a lacking flow": zipped({name: body for name, body in GOOD.items() if name != "flow.json"}),
    "a bomb": zipped(GOOD | {"README.md": b"\0" * (MAX_BYTES + 1)}),
    "an index without end": zipped(GOOD | {"package.json": b" " * (1024 * 1024) + GOOD["package.json"]}),
    "another packing": zipped(GOOD, method=zipfile.ZIP_LZMA),
    "another manifest": zipped(GOOD | {"manifest.yaml": b"core: {}\n"}),
    "another flow": zipped(GOOD | {"flow.json": b"{}"}),
    "an unlisted readme": zipped({**files_of(write_package(replace(PACKAGE, readme=None))), "README.md": b"x"}),
    "an index that lists no files": with_index(files={}),
    "an index that is a list": zipped(GOOD | {"package.json": b"[]"}),
    "an index that is no JSON": zipped(GOOD | {"package.json": b"{"}),
    "a deep index": zipped(GOOD | {"package.json": b"[" * 60_000}),
    "a format to come": with_index(format=2),
    "an id that is a path": with_index(package_id="../../other"),
    "an id without end": with_index(package_id="a" * 101),
    "a version that is a path": with_index(version="1.0/../.."),
    "a name that is no text": with_index(name=["x"]),
    "no list of files": with_index(files=None),
    "an entry beyond all counting": beyond(zipped(GOOD)),
    "too large": b"PK" + b"\0" * MAX_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_package_is_refused_in_words(name: str) -> None:
    with pytest.raises(PackageError) as error:
        read_package(HOSTILE[name])
    assert str(error.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in [*GOOD.items(), ("flow.json", b"{}")]:
            archive.writestr(name, body)
    with pytest.raises(PackageError, match="twice"):
        read_package(out.getvalue())


@pytest.mark.parametrize(
    "change",
    [
        {"package_id": "Not A Slug"},
        {"version": "one"},
        {"content": {"x": float("nan"), "y": object()}},
        {"content": {"x": "\ud800"}},
        {"readme": "\ud800"},
        {"name": "\ud800"},
        {"manifest": b"x" * MAX_BYTES},
        {"manifest": b"\xff"},
    ],
    ids=lambda change: "-".join(change),
)
def test_what_could_not_be_read_back_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(PackageError):
        write_package(replace(PACKAGE, **change))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_a_damaged_package_is_the_same_package_or_refused(changes: list[tuple[int, int]], packed: bool) -> None:
    body = bytearray(zipped(GOOD) if packed else write_package(PACKAGE))
    for place, value in changes:
        body[place % len(body)] = value
    with contextlib.suppress(PackageError):
        assert read_package(bytes(body)) == PACKAGE
