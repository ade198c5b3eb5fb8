"""The environment, read once and checked: the only module that looks at `os.environ`.

Every reader names its variable; a wrong value stops the start with one line that names it. What was read is kept in
`SEEN`, from which `manage.py check` lists what is set, secrets masked. The list of variables: docs/configuration.md.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
MYSQL_OPTIONS = {"ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class BadSetting(SystemExit):
    """Ends the process with one line on stderr. Raised while settings load, before anything is served."""


@dataclass(frozen=True)
class Reading:
    """One variable as it was read: `value` is None where the default holds."""

    name: str
    value: str | None
    is_secret: bool


SEEN: dict[str, Reading] = {}


def refuse(name: str, why: str) -> NoReturn:
    raise BadSetting(f"{name}: {why}")


def load_file(path: Path) -> None:
    """Add the variables of a `KEY=value` file. What the process already has wins."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        entry = line.strip().removeprefix("export ")
        if not entry or entry.startswith("#"):
            continue
        name, equals, value = entry.partition("=")
        if not equals:
            refuse("SCAIFLOW_ENV_FILE", f"{path.name} line {number} is not KEY=value")
        os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def text(name: str, default: str = "", *, secret: bool = False) -> str:
    value = os.environ.get(name, "").strip()
    SEEN[name] = Reading(name, value or None, secret)
    return value or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value and value not in TRUE | FALSE:
        refuse(name, f"must be true or false, not {value!r}")
    return value in TRUE if value else default


def number(name: str, default: int, *, least: int = 0, most: int = 2**40) -> int:
    value = text(name)
    if value and not is_number(value):
        refuse(name, f"must be a whole number, not {value!r}")
    result = int(value) if value else default
    if not least <= result <= most:
        refuse(name, f"must be between {least} and {most}, not {result}")
    return result


def is_number(value: str) -> bool:
    """Digits of ASCII alone: `isdigit` takes ² as well, which `int` does not."""
    return value.isascii() and value.isdigit()


def words(name: str, default: str = "", *, secret: bool = False) -> list[str]:
    """A comma-separated list; empty entries are dropped."""
    return [word.strip() for word in text(name, default, secret=secret).split(",") if word.strip()]


def choice(name: str, allowed: set[str], default: str = "") -> str:
    value = text(name, default)
    if value and value not in allowed:
        refuse(name, f"must be one of {', '.join(sorted(allowed))}, not {value!r}")
    return value


def base_url(name: str, default: str = "") -> str:
    """An absolute http(s) address without a trailing slash, or "" when unset."""
    value = text(name, default).rstrip("/")
    if value and not is_web_address(value):
        refuse(name, "must be an address like https://host, without credentials, query or fragment")
    return value


def is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(
            parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
        ) and not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        return False


def address(name: str, default: str = "", *, schemes: tuple[str, ...], secret: bool = False) -> str:
    """An address with a host, kept as it stands, or "" when unset. Of a `unix:` one the path is enough."""
    value = text(name, default, secret=secret)
    if not value:
        return ""
    parts = split(name, value)
    if parts.scheme not in schemes or not (parts.hostname or (parts.scheme == "unix" and parts.path)):
        refuse(name, f"must be an address like {schemes[0]}://host")
    return value


def split(name: str, value: str) -> SplitResult:
    """The parts of an address, a port that is one among them."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        refuse(name, f"is no address: {error}")
    return parts


def secret_key(name: str, *, development: bool) -> str:
    value = text(name, secret=True)
    if value:
        return value if len(value) >= 32 else refuse(name, "must have at least 32 characters")
    return generated(name, "secret_key", lambda: secrets.token_urlsafe(48), development=development)


def encryption_keys(name: str, *, development: bool) -> list[bytes]:
    """The keys of the secret store, first one first: it encrypts, all of them decrypt."""
    listed = words(name, secret=True)
    if not listed:
        make = lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # noqa: E731
        listed = [generated(name, "encryption_key", make, development=development)]
    return [_key(name, entry) for entry in listed]


def _key(name: str, entry: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(entry + "=" * (-len(entry) % 4))
    except ValueError:
        refuse(name, "each key must be url-safe base64")
    return key if len(key) == 32 else refuse(name, f"each key must be 32 bytes, one has {len(key)}")


def generated(name: str, file_name: str, make: Callable[[], str], *, development: bool) -> str:
    """A secret made on first use and kept under var/; in production there must be a real one."""
    if not development:
        refuse(name, "is required when SCAIFLOW_DEBUG is not true")
    path = VAR_DIR / file_name
    VAR_DIR.mkdir(mode=0o700, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as fresh:
            fresh.write(make())
    except FileExistsError:
        pass
    return path.read_text().strip() or refuse(name, f"var/{file_name} is empty: delete it to make a new one")


def database(name: str, default: str) -> dict[str, Any]:
    """Django's DATABASES entry for a `sqlite:///`, `postgres://` or `mysql://` address."""
    value = text(name, default, secret=True)
    scheme, separator, rest = value.partition("://")
    engine = scheme.partition("+")[0]
    if engine == "sqlite" and rest.startswith("/") and rest.strip("/"):
        return _sqlite(BASE_DIR / rest.removeprefix("/"))
    if separator and engine in {"postgres", "postgresql", "mysql"}:
        return _server_database(name, value, engine)
    return refuse(name, "must be sqlite:///file, postgres://... or mysql://...")


def _sqlite(path: Path) -> dict[str, Any]:
    """WAL lets readers go on beside one writer; IMMEDIATE makes a writer wait for its turn instead of failing half-way
    through; FULL keeps a committed row also when the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16000;"
    options = {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": pragmas}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}


def _server_database(name: str, value: str, engine: str) -> dict[str, Any]:
    parts = split(name, value)
    if not parts.hostname or not parts.path.strip("/"):
        refuse(name, "needs a host and a database name")
    entry = {
        "HOST": parts.hostname,
        "PORT": parts.port or "",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if engine == "mysql":
        unknown = sorted(set(options) - MYSQL_OPTIONS)
        if unknown:
            refuse(name, f"unknown option {unknown[0]}; there are {', '.join(sorted(MYSQL_OPTIONS))}")
        return entry | {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"charset": "utf8mb4", **options}}
    # A pool instead of CONN_MAX_AGE: under ASGI every request has a thread of its own, and kept connections pile up.
    most = options.pop("pool_max_size", "10")
    if not is_number(most) or int(most) < 1:
        refuse(name, f"pool_max_size must be a whole number from 1, not {most!r}")
    pool = {"min_size": 1, "max_size": int(most), "timeout": 10}
    return entry | {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": {**options, "pool": pool}}


def storage(name: str, default: str) -> dict[str, Any]:
    """Django's STORAGES entry for a `file://` folder or an `s3://bucket/prefix?endpoint_url=&region_name=`."""
    value = text(name, default)
    parts = split(name, value)
    if parts.scheme == "file" and (parts.netloc + parts.path).strip("/"):
        folder = Path(parts.path) if not parts.netloc else BASE_DIR / parts.netloc / parts.path.lstrip("/")
        return {"BACKEND": "scaiflow.kit.storage.FileObjects", "OPTIONS": {"location": str(folder)}}
    if parts.scheme == "s3" and parts.netloc:
        extra = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        unknown = set(extra) - {"endpoint_url", "region_name"}
        if unknown:
            refuse(name, f"unknown option {sorted(unknown)[0]}; there are endpoint_url and region_name")
        options = {"bucket_name": parts.netloc, "location": parts.path.strip("/"), **extra}
        return {"BACKEND": "scaiflow.kit.storage.S3Objects", "OPTIONS": options}
    return refuse(name, "must be file://folder or s3://bucket/prefix")


load_file(BASE_DIR / os.environ.get("SCAIFLOW_ENV_FILE", ".env"))
