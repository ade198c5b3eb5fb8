"""Immutable objects behind Django's storage interface (django-storages): a key is written once and never overwritten.

`create` refuses a key that is taken, also when two processes race for it: the file system links a finished file into
place, S3 writes with `If-None-Match: *`. Every failure of the backend leaves as Unavailable(component="storage").
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from scaiflow.kit.errors import Unavailable

log = structlog.get_logger(__name__)


class ObjectTaken(Exception):
    """There is an object under this key already."""


class FileObjects(FileSystemStorage):
    """Files under one folder. A half-written file is never seen under its key, and a written one survives a crash."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            self._write(half, content)
            os.link(half, target)
        except FileExistsError:
            raise ObjectTaken(name) from None
        finally:
            half.unlink(missing_ok=True)
        self._sync(target.parent)
        return name

    def _write(self, path: Path, content: Any) -> None:
        with path.open("xb") as file:
            for chunk in content.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())

    def _sync(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class S3Objects(S3Storage):  # type: ignore[misc]
    """A bucket. The names are ours alone, so they are taken as they are, and the bucket itself refuses a second write."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def get_default_settings(self) -> dict[str, Any]:
        patience = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
        return {**super().get_default_settings(), "client_config": patience}

    def _save(self, name: str, content: Any) -> str:
        """One PUT: the library's own upload knows no condition. (Content is bounded by SCAIFLOW_MAX_CONTENT_BYTES.)"""
        key = self._normalize_name(clean_name(name))
        client = self.connection.meta.client
        client.put_object(Bucket=self.bucket_name, Key=key, Body=content.read(), IfNoneMatch="*")
        return name


def create(key: str, body: bytes) -> None:
    """Write a new object. Raises ObjectTaken, Unavailable."""
    with _named_failures():
        default_storage.save(key, ContentFile(body))


def read(key: str) -> bytes:
    """Raises Unavailable, also when the object is gone: the row that points at it says that it must be there."""
    with _named_failures(), default_storage.open(key, "rb") as file:
        return bytes(file.read())


def delete(key: str) -> None:
    with _named_failures():
        default_storage.delete(key)


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"PreconditionFailed", "ConditionalRequestConflict"}:
            raise ObjectTaken from None
        raise _down(error) from error
    except (OSError, BotoCoreError) as error:
        raise _down(error) from error


def _down(error: Exception) -> Unavailable:
    log.error("component down", component="storage", error=type(error).__name__)
    return Unavailable("the object storage does not answer; try again", component="storage")
