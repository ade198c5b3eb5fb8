"""An S3 on loopback. It takes any signature, so it proves what we send and what we make of the answers, not our keys."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

from scaiflow import env

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}


def _one_at_a_time(put: Any) -> Any:
    """The stand-in looks whether there is an object, and writes it, in two steps; the real one does so in one."""
    lock = threading.Lock()

    def locked(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return put(*args, **kwargs)

    return locked


S3Response.put_object = _one_at_a_time(S3Response.put_object)


@contextmanager
def running_s3() -> Iterator[str]:
    """Its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> str:
    """An empty bucket, as SCAIFLOW_STORAGE_URL names it."""
    name, client = f"flows-{secrets.token_hex(6)}", _client(endpoint)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.close()
    return f"s3://{name}/kept?endpoint_url={endpoint}&region_name=eu-west-1"


def objects_in(url: str, endpoint: str) -> dict[str, bytes]:
    """All that a bucket holds, asked of the server itself."""
    name, client = urlsplit(url).netloc, _client(endpoint)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=name)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    found = {key: client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}
    client.close()
    return found


def use(settings: Any, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """As if the server had been started with that SCAIFLOW_STORAGE_URL."""
    monkeypatch.setenv("SCAIFLOW_STORAGE_URL", url)
    settings.STORAGES = {**settings.STORAGES, "default": env.storage("SCAIFLOW_STORAGE_URL", "")}


def _client(endpoint: str) -> Any:
    given = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
    return boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-1", **given)
