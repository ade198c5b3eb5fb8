"""What is kept comes back: into an empty installation alone, and looked at to the last byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from flows.journal_files import new_file
from flows.models import DocumentUpdate, Flow
from flows.operations.documents import bring_in_files
from flows.sync.records import decode, encode
from scaiflow.console.backup import LEFT_OUT, back_up, kept_models, lines_of
from scaiflow.kit.models import AuditEntry
from tenants.models import User
from tests.buckets import KEYS, new_bucket, objects_in, running_s3, use
from tests.conftest import Caller, SignIn
from tests.drawings import greeting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def installation(sign_in: SignIn, empty_storage: Path) -> Caller:
    return furnished(sign_in)


def furnished(sign_in: SignIn) -> Caller:
    """Flows with versions, an entry for somebody, a secret, a package, audit entries."""
    User.objects.create(id="usr_bob", tenant_id="tnt_demo")
    tara = sign_in("usr_tara", admin_role="tenant_admin")
    tara.post("/api/v1/tenants/me/scaigrid_credentials", {"api_key": "sgk_0123456789abcdef"})
    flow = tara.post("/api/v1/flows", {"name": "Zoë's flow \u2028 ☂", "content": greeting()}).json()["id"]
    tara.put(f"/api/v1/flows/{flow}", {"content": greeting("Bye {{name}}")})
    grant = {"principal_type": "user", "principal_id": "usr_bob", "level": "edit"}
    tara.post(f"/api/v1/flows/{flow}/acls", grant)
    package = {"package_id": "greeting", "name": "Greeting", "version": "1.0.0", "flow_id": flow}
    assert tara.post("/api/v1/catalog/publish", package).status_code == 201
    return tara


def everything() -> dict[str, str]:
    return {model.__name__: hashlib.sha256(b"".join(lines_of(model))).hexdigest() for model in kept_models()}


def objects(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def empty_out(storage: Path) -> None:
    """In one transaction: PostgreSQL looks at its foreign keys at the end of it."""
    empty_the_tables()
    shutil.rmtree(storage)


def empty_the_tables() -> None:
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        for model in kept_models():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")


def test_everything_comes_back_as_it_was(installation: Caller, empty_storage: Path, tmp_path: Path) -> None:
    rows, kept = everything(), objects(empty_storage)
    read = installation.get("/api/v1/flows").json()
    call_command("backup", tmp_path / "b", stdout=StringIO())
    empty_out(empty_storage)
    assert not Flow.objects.exists()
    told = StringIO()
    call_command("restore", tmp_path / "b", stdout=told)
    assert "every digest is as it was" in told.getvalue()
    assert everything() == rows
    assert objects(empty_storage) == kept
    assert installation.get("/api/v1/flows").json() == read
    assert installation.get("/api/v1/tenants/me/scaigrid_credentials").json()["masked_key"] == "sgk_...cdef"
    assert installation.post("/api/v1/flows", {"name": "After", "content": greeting()}).status_code == 201
    call_command("verify_audit", stdout=StringIO())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's log begins in files")
def test_live_edits_of_the_database_before_do_not_get_into_what_is_restored(
    installation: Caller, empty_storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Flow.objects.get().id
    call_command("backup", tmp_path / "b", stdout=StringIO())
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "own.db"))
    running = new_file("0123-0")
    running.append(encode([(flow, b"an edit of the time before")]))
    empty_out(empty_storage)
    with pytest.raises(CommandError, match="is running"):
        call_command("restore", tmp_path / "b", stdout=StringIO())
    assert not Flow.objects.exists()
    os.close(running._descriptor)  # as when its process has died
    told = StringIO()
    call_command("restore", tmp_path / "b", stdout=told)
    (aside,) = tmp_path.glob("own.db-*")
    assert aside.name == "own.db-before-restore-0123-0"
    assert f"set aside {aside}" in told.getvalue()
    bring_in_files()
    assert decode(aside.read_bytes()) == [(flow, b"an edit of the time before")]
    assert not DocumentUpdate.objects.exists()


@pytest.fixture
def buckets(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str, str]]:
    """Where an S3 answers, a bucket that is in use, and an empty one."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with running_s3() as endpoint:
        here, there = new_bucket(endpoint), new_bucket(endpoint)
        use(settings, monkeypatch, here)
        yield endpoint, here, there


@pytest.mark.parametrize("into", ["a bucket", "a folder"])
def test_what_was_in_a_bucket_comes_back_to_the_byte(
    buckets: tuple[str, str, str], sign_in: SignIn, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    into: str,
) -> None:  # fmt: skip
    endpoint, here, there = buckets
    tara = furnished(sign_in)
    rows, kept, read = everything(), objects_in(here, endpoint), tara.get("/api/v1/flows").json()
    assert len(kept) >= 3
    told = StringIO()
    call_command("backup", tmp_path / "b", stdout=told)
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_bytes())["objects"]
    assert {f"kept/{key}": one["sha256"] for key, one in manifest.items()} == {
        key: hashlib.sha256(body).hexdigest() for key, body in kept.items()
    }
    empty_the_tables()
    with pytest.raises(CommandError, match="not empty"):  # the tables are, the bucket is not
        call_command("restore", tmp_path / "b")
    use(settings, monkeypatch, there if into == "a bucket" else f"file://{tmp_path}/objects")
    call_command("restore", tmp_path / "b", stdout=told)
    assert "every digest is as it was" in told.getvalue()
    assert everything() == rows
    restored = objects_in(there, endpoint) if into == "a bucket" else objects(tmp_path / "objects")
    assert {key.removeprefix("kept/"): body for key, body in restored.items()} == {
        key.removeprefix("kept/"): body for key, body in kept.items()
    }
    assert tara.get("/api/v1/flows").json() == read
    assert tara.get(f"/api/v1/flows/{read['items'][0]['id']}").json()["content"]["nodes"]


def test_no_secret_is_in_a_backup_in_clear(installation: Caller, tmp_path: Path) -> None:
    back_up(tmp_path / "b")
    raw = b"".join(objects(tmp_path / "b").values())
    assert b"sgk_0123456789abcdef" not in raw
    assert str(installation.token).encode() not in raw


def test_nothing_is_restored_over_what_is_there(installation: Caller, tmp_path: Path) -> None:
    back_up(tmp_path / "b")
    before = everything()
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", tmp_path / "b")
    with pytest.raises(CommandError, match="never written over another"):
        call_command("backup", tmp_path / "b")
    assert everything() == before


@pytest.mark.parametrize("damage", ["a row", "an object", "the release"])
def test_a_damaged_backup_is_refused_and_leaves_no_rows(
    installation: Caller, empty_storage: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "b"
    back_up(folder)
    if damage == "a row":
        table = folder / "tables" / "flows.flow.jsonl"
        table.write_text(table.read_text().replace("usr_tara", "usr_eve"))
    elif damage == "an object":
        next((folder / "objects").rglob("*.json")).write_bytes(b"{}")
    else:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        manifest["migrations"].append("flows.9999_later")
        (folder / "manifest.json").write_text(json.dumps(manifest))
    empty_out(empty_storage)
    with pytest.raises(CommandError):
        call_command("restore", folder)
    assert not Flow.objects.exists()
    assert not AuditEntry.objects.exists()


def test_every_table_is_kept_or_left_out_on_purpose() -> None:
    tables = {model._meta.label_lower for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    assert tables - {model._meta.label_lower for model in kept_models()} == LEFT_OUT & tables
