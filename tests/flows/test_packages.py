"""Flows out of packages: installed, exported, imported."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from catalog.packaging import MAX_BYTES, read_package
from flows.models import Flow, FlowACL
from scaiflow.kit.models import AuditEntry
from tests.catalog.conftest import CATALOG, publish
from tests.catalog.test_packaging import HOSTILE, PACKAGE, files_of, write_package, zipped
from tests.conftest import Caller, SignIn
from tests.drawings import edge, greeting, node


@pytest.fixture
def flow(ada: Caller) -> dict[str, Any]:
    body = {"name": "Größe & Co", "description": "Says hello.", "content": greeting(extra={"kept": [1, None]})}
    return ada.post("/api/v1/flows", body).json()


def test_looking_at_a_packages_document_saves_nothing(ada: Caller, vera: Caller, flow: dict[str, Any]) -> None:
    publish(ada, flow_id=flow["id"])
    one, other = (vera.post(f"{CATALOG}/greeting/install").json() for _ in range(2))
    assert (one["package_id"], one["version"]) == ("greeting", "1.0.0")
    assert len({flow["id"], one["content"]["id"], other["content"]["id"]}) == 3
    assert one["content"] == flow["content"] | {"id": one["content"]["id"], "name": "Greeting"}
    assert Flow.objects.count() == 1


def test_an_installed_flow_is_the_callers_own_and_shares_nothing(
    ada: Caller, sign_in: SignIn, flow: dict[str, Any], empty_storage: Path
) -> None:
    publish(ada, flow_id=flow["id"], description="A package.")
    ben = sign_in("usr_ben")
    answer = ben.post(f"{CATALOG}/greeting/install", {"save": True})
    mine = answer.json()
    assert answer.status_code == 201
    assert (mine["owner_id"], mine["version"], mine["level"]) == ("usr_ben", "1.0.0", "admin")
    assert (mine["name"], mine["description"]) == ("Greeting", "A package.")
    assert mine["id"] != flow["id"]
    assert mine["content"]["nodes"] == flow["content"]["nodes"]
    assert ben.put(f"/api/v1/flows/{mine['id']}", {"content": greeting("Mine")}).status_code == 200
    assert ben.get(f"/api/v1/flows/{flow['id']}").status_code == 404
    assert ada.get(f"/api/v1/flows/{mine['id']}").status_code == 404
    assert ada.get(f"/api/v1/flows/{flow['id']}").json() == flow
    assert read_package(ben.get(f"{CATALOG}/greeting/download").content).content["id"] == flow["id"]
    folders = {path.parent.name for path in empty_storage.rglob("*.flow.json")}
    assert folders == {flow["id"], mine["id"]}
    entry = AuditEntry.objects.get(action="flow.created", object_id=mine["id"])
    assert entry.changes["origin"] == [None, "package greeting 1.0.0"]


def test_an_older_version_is_installed_by_its_number(ada: Caller) -> None:
    publish(ada, content=greeting("Old"))
    publish(ada, content=greeting("New"))
    install = f"{CATALOG}/greeting/install"
    assert ada.post(install).json()["content"]["nodes"][1]["config"]["template"] == "New"
    old = ada.post(install, {"version": "1.0.0"}).json()
    assert (old["version"], old["content"]["nodes"][1]["config"]["template"]) == ("1.0.0", "Old")
    assert ada.post(install, {"version": "3.0.0"}).json() == {"detail": "version not found"}
    assert ada.post(install, {"save": "yes"}).status_code == 422


def test_installing_for_good_needs_manage(ada: Caller, vera: Caller) -> None:
    publish(ada)
    refused = vera.post(f"{CATALOG}/greeting/install", {"save": True})
    assert (refused.status_code, refused.json()) == (403, {"detail": "permission 'scaicore:manage' is missing"})
    assert not Flow.objects.exists()


def test_an_export_is_a_package_of_the_flow(ada: Caller, flow: dict[str, Any], sign_in: SignIn) -> None:
    FlowACL.objects.create(flow_id=flow["id"], principal_type="user", principal_id="usr_ben", level=1)
    answer = sign_in("usr_ben").get(f"/api/v1/flows/{flow['id']}/export")
    assert answer["Content-Disposition"] == 'attachment; filename="groe-co-1.0.0.scaipkg"'
    assert answer["Content-Type"] == "application/zip"
    package = read_package(answer.content)
    assert (package.name, package.version, package.description) == ("Größe & Co", "1.0.0", "Says hello.")
    assert package.content == flow["content"]
    assert ada.get(f"/api/v1/flows/{flow['id']}/export").content == answer.content


def test_an_older_version_is_exported_by_its_number(ada: Caller, flow: dict[str, Any]) -> None:
    road = f"/api/v1/flows/{flow['id']}"
    ada.put(road, {"content": greeting("New")})
    assert read_package(ada.get(f"{road}/export").content).version == "1.0.1"
    assert read_package(ada.get(f"{road}/export?version=1.0.0").content).content["nodes"] == flow["content"]["nodes"]
    assert ada.get(f"{road}/export?version=3.0.0").status_code == 404


@pytest.mark.parametrize("name", ["x" * 255, "流れ", "-", "a" * 99 + " b"])
def test_a_flow_of_any_name_can_be_exported(ada: Caller, flow: dict[str, Any], name: str) -> None:
    ada.put(f"/api/v1/flows/{flow['id']}", {"name": name})
    assert read_package(ada.get(f"/api/v1/flows/{flow['id']}/export").content).name == name


def test_a_half_drawn_flow_is_told_why_it_cannot_be_exported(ada: Caller) -> None:
    half = ada.post("/api/v1/flows", {"name": "Half", "content": {"name": "Half", "nodes": [], "edges": []}}).json()
    answer = ada.get(f"/api/v1/flows/{half['id']}/export")
    assert (answer.status_code, answer.json()["detail"]["error"]) == (400, "compile_error")


def import_bytes(caller: Caller, body: bytes, content_type: str = "application/zip") -> Any:
    return caller.generic("POST", "/api/v1/flows/import", body, content_type=content_type)


@pytest.mark.parametrize("content_type", ["application/zip", "application/octet-stream", "application/json", ""])
def test_an_export_comes_back_by_the_import(ada: Caller, flow: dict[str, Any], content_type: str) -> None:
    exported = ada.get(f"/api/v1/flows/{flow['id']}/export").content
    told = import_bytes(ada, exported, content_type).json()
    assert told["content"] == flow["content"]
    assert told["unknown_steps"] == []
    assert told["package"] == {
        "package_id": "groe-co", "name": "Größe & Co", "version": "1.0.0", "description": "Says hello.", "readme": None,
    }  # fmt: skip
    assert Flow.objects.count() == 1


def test_a_manifest_is_imported_as_before(ada: Caller, flow: dict[str, Any]) -> None:
    body = {"content": flow["content"], "format": "yaml"}
    manifest = ada.post("/api/v1/flows/compile", body).json()["body"]
    told = ada.post("/api/v1/flows/import", {"manifest": manifest}).json()
    assert told["content"]["nodes"] == flow["content"]["nodes"]
    assert "package" not in told


@pytest.mark.parametrize(
    "name", [name for name, body in HOSTILE.items() if body.startswith(b"PK") and name != "too large"]
)
def test_a_hostile_package_is_not_imported(ada: Caller, name: str) -> None:
    answer = import_bytes(ada, HOSTILE[name])
    assert answer.status_code == 422
    assert answer.json()["detail"][0] | {"msg": ""} == {"loc": ["body"], "msg": "", "type": "package_invalid"}


def test_a_package_beyond_the_limit_of_bodies_is_refused(ada: Caller) -> None:
    assert import_bytes(ada, HOSTILE["too large"]).status_code == 413


def test_a_flow_as_large_as_may_be_saved_is_exported_and_comes_back(ada: Caller, settings: Any) -> None:
    """Its package holds the manifest beside it, so it is larger than a body may be anywhere else."""
    assert MAX_BYTES == settings.MAX_PACKAGE_BYTES
    said = [node(f"say_{n}", "llm_rigid", template="x" * 40_000) for n in range(100)]
    chain = [edge(f"say_{n}", f"say_{n + 1}") for n in range(99)]
    content = greeting(
        nodes=[node("start", "entry_api"), *said], edges=[edge("start", "say_0", port="out_request"), *chain]
    )
    made = ada.post("/api/v1/flows", {"name": "Large", "content": content}).json()
    exported = ada.get(f"/api/v1/flows/{made['id']}/export").content
    assert len(exported) > settings.MAX_BODY_BYTES
    assert import_bytes(ada, exported).json()["content"] == made["content"]


def test_a_package_whose_flow_has_no_shape_is_not_imported(ada: Caller) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    body = write_package(PACKAGE)
    index = files_of(body)["package.json"]
    assert import_bytes(ada, body).status_code == 200
    for content in ({"name": "x"}, {"name": "x", "nodes": [], "edges": [], "deep": deep}):
        flow_json = json.dumps(content).encode()
        told = json.loads(index)
        told["files"]["flow.json"] = hashlib.sha256(flow_json).hexdigest()
        odd = zipped(files_of(body) | {"flow.json": flow_json, "package.json": json.dumps(told).encode()})
        answer = import_bytes(ada, odd)
        assert answer.status_code == 422, answer.content


@pytest.mark.parametrize("body", [{}, {"package": "UEsDBA=="}, {"manifest": 7}, {"manifest": None}])
def test_an_import_of_nothing_is_refused(ada: Caller, body: dict[str, Any]) -> None:
    assert ada.post("/api/v1/flows/import", body).status_code == 422
