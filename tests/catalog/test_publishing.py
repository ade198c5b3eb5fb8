"""A flow becomes a package."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from catalog.models import Package, PackageVersion
from catalog.packaging import read_package
from flows.models import FlowACL
from flows.operations.sweeping import sweep_orphans
from scaiflow.kit import audit, storage
from scaiflow.kit.models import AuditEntry
from tenants.models import Group
from tests.catalog.conftest import CATALOG, publish
from tests.conftest import Caller, SignIn
from tests.drawings import greeting


def objects_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_flow_is_published_as_it_stands(ada: Caller, flow: dict[str, Any]) -> None:
    ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye"), "name": "Farewell"})
    more = {"flow_id": flow["id"], "description": "Says bye.", "readme": "# Bye\n", "version": "2.1.0"}
    answer = publish(ada, **more)
    package = answer.json()
    assert answer.status_code == 201
    assert package | {"created_at": "", "updated_at": ""} == {
        "package_id": "greeting", "name": "Greeting", "description": "Says bye.", "version": "2.1.0",
        "author_id": "usr_ada", "author_email": "ada@demo.test", "visibility": "tenant",
        "visibility_group_ids": [], "created_at": "", "updated_at": "", "tenant_id": "tnt_demo",
    }  # fmt: skip
    file = read_package(ada.get(f"{CATALOG}/greeting/download").content)
    assert (file.package_id, file.name, file.version, file.description) == (
        "greeting",
        "Greeting",
        "2.1.0",
        "Says bye.",
    )
    assert file.readme == "# Bye\n"
    stamped = ada.get(f"/api/v1/flows/{flow['id']}").json()["content"]
    assert file.content == stamped
    assert (stamped["id"], stamped["name"], stamped["version"]) == (flow["id"], "Farewell", "1.0.1")
    manifest = ada.post("/api/v1/flows/compile", {"content": stamped, "format": "yaml"}).json()["body"]
    assert file.manifest.decode() == manifest


def test_a_document_is_published_without_a_flow(ada: Caller, empty_storage: Path) -> None:
    assert publish(ada, content=greeting(id="mine")).status_code == 201
    assert objects_in(empty_storage) == ["catalog/tnt_demo/greeting/v1.0.0.scaipkg"]
    row = PackageVersion.objects.get()
    body = (empty_storage / row.object_key).read_bytes()
    assert (row.digest, row.size, row.flow_id) == (hashlib.sha256(body).hexdigest(), len(body), None)
    assert read_package(body).content["id"] == "mine"


def test_what_does_not_compile_is_not_published(ada: Caller, empty_storage: Path) -> None:
    answer = publish(ada, content={"name": "Empty", "nodes": [], "edges": []})
    assert (answer.status_code, answer.json()["detail"]["error"]) == (400, "compile_error")
    assert answer.json()["detail"]["diagnostics"][0]["code"] == "no_entry"
    assert not Package.objects.exists()
    assert objects_in(empty_storage) == []
    assert not AuditEntry.objects.filter(action="package.published").exists()


def test_a_version_that_is_taken_goes_to_the_next_free_patch(ada: Caller) -> None:
    given = [
        publish(ada, version=version).json()["version"] for version in ("1.0.0", "1.0.2", "1.0.0", "1.0.0", "1.0.1")
    ]
    assert given == ["1.0.0", "1.0.2", "1.0.1", "1.0.3", "1.0.4"]
    assert publish(ada, version="2.0.0").json()["version"] == "2.0.0"
    told = ada.get(f"{CATALOG}/greeting").json()
    assert [version["version"] for version in told["versions"]] == [
        "2.0.0",
        "1.0.4",
        "1.0.3",
        "1.0.1",
        "1.0.2",
        "1.0.0",
    ]


def test_publishing_again_brings_the_row_up_to_date(ada: Caller) -> None:
    first = publish(ada, description="Old", readme="old").json()
    second = publish(ada, name="New name", readme=None, version="1.1.0").json()
    assert (second["name"], second["description"], second["version"]) == ("New name", "", "1.1.0")
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]
    assert ada.get(f"{CATALOG}/greeting").json()["readme"] is None


def test_only_its_author_or_an_admin_publishes_over_a_package(
    ada: Caller, tara: Caller, sam: Caller, sign_in: SignIn
) -> None:
    publish(ada)
    refused = publish(sign_in("usr_ben"))
    assert refused.status_code == 403
    assert "another author" in refused.json()["detail"]
    assert publish(tara).json()["version"] == "1.0.1"
    assert Package.objects.get().author_id == "usr_ada"
    assert publish(sam).json()["tenant_id"] == "tnt_platform"


def test_a_hidden_package_keeps_its_id_too(ada: Caller, sign_in: SignIn) -> None:
    Group.objects.create(id="grp_team", tenant_id="tnt_demo")
    assert publish(ada, visibility="groups", visibility_group_ids=["grp_team"]).status_code == 201
    assert publish(sign_in("usr_ben")).status_code == 403
    ada.delete(f"{CATALOG}/greeting")
    assert publish(sign_in("usr_ben")).status_code == 403
    assert publish(ada).json()["version"] == "1.0.1"
    assert ada.get(f"{CATALOG}/greeting").json()["visibility"] == "groups"


def test_an_id_is_free_in_every_other_tenant(ada: Caller, olaf: Caller) -> None:
    assert publish(ada).status_code == publish(olaf).status_code == 201


@pytest.mark.parametrize(("level", "status"), [(None, 404), (1, 403), (2, 403), (3, 201), (4, 201)])
def test_publishing_a_flow_needs_deploy_on_it(
    flow: dict[str, Any], sign_in: SignIn, level: int | None, status: int
) -> None:
    if level:
        FlowACL.objects.create(flow_id=flow["id"], principal_type="user", principal_id="usr_ben", level=level)
    assert publish(sign_in("usr_ben"), flow_id=flow["id"]).status_code == status
    assert Package.objects.exists() is (status == 201)


def test_a_super_admin_publishes_into_the_flows_own_tenant(flow: dict[str, Any], sam: Caller) -> None:
    assert publish(sam, flow_id=flow["id"]).json()["tenant_id"] == "tnt_demo"


BAD = [
    ({"package_id": "Not A Slug"}, "package_id"),
    ({"package_id": "../x"}, "package_id"),
    ({"package_id": "a--b"}, "package_id"),
    ({"package_id": "-a"}, "package_id"),
    ({"package_id": "a" * 101}, "package_id"),
    ({"package_id": "publish"}, "package_id"),
    ({"version": "1.0"}, "version"),
    ({"version": "01.0.0"}, "version"),
    ({"version": "1.0.0-rc1"}, "version"),
    ({"version": "1.0.9999999999"}, "version"),
    ({"version": "1.0.\u0661"}, "version"),
    ({"version": 1}, "version"),
    ({"name": ""}, "name"),
    ({"name": "x" * 256}, "name"),
    ({"description": "x" * 10_001}, "description"),
    ({"readme": "x" * 100_001}, "readme"),
    ({"readme": 7}, "readme"),
    ({"content": None}, "flow_id"),
    ({"flow_id": "flow_x"}, "flow_id"),
    ({"content": []}, "content"),
    ({"content": {"name": "x"}}, "content"),
    ({"visibility": "world"}, "visibility"),
    ({"visibility": "groups"}, "visibility_group_ids"),
    ({"visibility": "groups", "visibility_group_ids": ["grp_nobody"]}, "visibility_group_ids"),
    ({"visibility_group_ids": ["grp_foreign"]}, "visibility_group_ids"),
    ({"visibility_group_ids": "grp_x"}, "visibility_group_ids"),
    ({"visibility_group_ids": ["g"] * 101}, "visibility_group_ids"),
]


@pytest.mark.parametrize(("change", "place"), BAD, ids=lambda value: str(value)[:40])
def test_a_draft_of_the_wrong_shape_is_refused(
    ada: Caller, empty_storage: Path, change: dict[str, Any], place: str
) -> None:
    Group.objects.create(id="grp_foreign", tenant_id="tnt_other")
    answer = publish(ada, **{"content": greeting(), **change})
    assert answer.status_code == 422, answer.content
    assert answer.json()["detail"][0]["loc"][:2] == ["body", place]
    assert not Package.objects.exists()
    assert objects_in(empty_storage) == []


def test_a_publishing_is_in_the_audit_log(ada: Caller, flow: dict[str, Any]) -> None:
    publish(ada, flow_id=flow["id"])
    publish(ada, name="Renamed")
    one, two = AuditEntry.objects.filter(action="package.published").order_by("sequence")
    assert one.changes["version"] == [None, "1.0.0"]
    assert (one.changes["flow"], one.changes["flow_version"]) == ([None, flow["id"]], [None, "1.0.0"])
    assert two.changes == {"name": ["Greeting", "Renamed"], "version": ["1.0.0", "1.0.1"]}


def test_a_file_goes_when_its_row_cannot_be_written(ada: Caller, empty_storage: Path) -> None:
    publish(ada)
    before = objects_in(empty_storage)
    with connection.cursor() as cursor:
        when = "BEFORE INSERT ON catalog_packageversion"
        cursor.execute(f"CREATE TEMP TRIGGER no_more {when} BEGIN SELECT RAISE(ABORT, 'no more'); END")
        failed = publish(ada)
        cursor.execute("DROP TRIGGER no_more")
    assert failed.status_code == 500
    assert objects_in(empty_storage) == before
    assert ada.get(f"{CATALOG}/greeting").json()["version"] == "1.0.0"
    assert publish(ada).json()["version"] == "1.0.1"


def test_what_a_killed_publishing_left_is_replaced_or_swept(ada: Caller) -> None:
    publish(ada)
    for version in ("1.0.1", "1.0.7"):
        storage.create(f"catalog/tnt_demo/greeting/v{version}.scaipkg", b"half a fi")
    assert publish(ada).json()["version"] == "1.0.1"
    read_package(ada.get(f"{CATALOG}/greeting/download").content)
    assert sweep_orphans(min_age=timedelta()) == ["catalog/tnt_demo/greeting/v1.0.7.scaipkg"]
    assert ada.get(f"{CATALOG}/greeting/download?version=1.0.0").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_publishings_at_once_never_share_a_version(ada: Caller) -> None:
    """Also the very first one, which makes the package."""
    gate = threading.Barrier(6)

    def publish_one(number: int) -> str:
        gate.wait(30)
        try:
            return publish(Caller(ada.token), content=greeting(f"{number}")).json()["version"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        given = sorted(pool.map(publish_one, range(6)))
    assert given == [f"1.0.{number}" for number in range(6)]
    texts = {
        read_package(ada.get(f"{CATALOG}/greeting/download?version={version}").content).content["nodes"][1]["config"][
            "template"
        ]
        for version in given
    }
    assert texts == {str(number) for number in range(6)}
    assert list(audit.problems("tnt_demo")) == []
