"""Packages seen, shown, fetched, deleted and brought back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Package, PackageVersion
from catalog.packaging import write_package
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership
from tests.catalog.conftest import CATALOG, in_group, publish
from tests.catalog.test_packaging import HOSTILE, PACKAGE
from tests.conftest import Caller, SignIn


def seen(caller: Caller, **query: Any) -> list[str]:
    return [item["package_id"] for item in caller.get(CATALOG, query).json()["items"]]


@pytest.fixture
def shelf(ada: Caller) -> None:
    """Of usr_ada: one for everybody, one for a team, one for another."""
    publish(ada, "for-all")
    for group in ("grp_team", "grp_others"):
        Group.objects.create(id=group, tenant_id="tnt_demo")
    publish(ada, "for-team", visibility="groups", visibility_group_ids=["grp_team"])
    publish(ada, "for-others", visibility="groups", visibility_group_ids=["grp_others"])


ALL = ["for-others", "for-team", "for-all"]


def test_everybody_sees_what_is_shown_to_them(
    shelf: None, ada: Caller, tara: Caller, sam: Caller, olaf: Caller, vera: Caller, sign_in: SignIn
) -> None:
    in_group("usr_ben", "grp_team")
    assert seen(ada) == seen(tara) == seen(sam) == ALL
    assert seen(sign_in("usr_ben")) == ["for-team", "for-all"]
    assert seen(vera) == ["for-all"]
    assert seen(olaf) == []


@pytest.mark.parametrize("road", ["", "/download", "/install"])
def test_what_is_not_shown_is_not_there(
    shelf: None, vera: Caller, olaf: Caller, ada: Caller, sign_in: SignIn, road: str
) -> None:
    ask = "post" if road == "/install" else "get"
    for caller, package in [(vera, "for-team"), (olaf, "for-all"), (ada, "for-nobody"), (sign_in("usr_x"), "for-team")]:
        answer = getattr(caller, ask)(f"{CATALOG}/{package}{road}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "package not found"})
    assert getattr(vera, ask)(f"{CATALOG}/for-all{road}").status_code == 200


@pytest.mark.parametrize("ended", ["group", "membership"])
def test_a_group_or_membership_that_ended_shows_nothing(shelf: None, sign_in: SignIn, ended: str) -> None:
    in_group("usr_ben", "grp_team")
    ben = sign_in("usr_ben")
    assert ben.get(f"{CATALOG}/for-team").status_code == 200
    (Group if ended == "group" else Membership).objects.update(deleted_at=timezone.now())
    assert ben.get(f"{CATALOG}/for-team").status_code == 404


def test_a_membership_in_another_tenant_shows_nothing(shelf: None, sign_in: SignIn) -> None:
    in_group("usr_ben", "grp_team", tenant="tnt_other")
    assert seen(sign_in("usr_ben")) == ["for-all"]
    assert seen(sign_in("usr_ben", tenant="tnt_other")) == []


def test_details_hold_the_readme_and_all_versions(ada: Caller, django_assert_num_queries: Any) -> None:
    publish(ada, readme="# One\n")
    publish(ada, readme="# Two\n")
    with django_assert_num_queries(4):  # who calls, the package, its groups, its versions
        told = ada.get(f"{CATALOG}/greeting").json()
    assert told["readme"] == "# Two\n"
    row = PackageVersion.objects.get(version="1.0.0")
    assert told["versions"][1] | {"created_at": ""} == {
        "version": "1.0.0", "author_id": "usr_ada", "size": row.size, "digest": row.digest, "created_at": "",
    }  # fmt: skip


def test_a_file_is_fetched_as_it_was_published(ada: Caller, vera: Caller) -> None:
    publish(ada)
    publish(ada, name="Other")
    answer = vera.get(f"{CATALOG}/greeting/download?version=1.0.0")
    digest = hashlib.sha256(answer.content).hexdigest()
    assert digest == PackageVersion.objects.get(version="1.0.0").digest
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="greeting-1.0.0.scaipkg"'
    assert answer["ETag"] == f'"{digest}"'
    again = vera.get(f"{CATALOG}/greeting/download?version=1.0.0", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert vera.get(f"{CATALOG}/greeting/download").headers["Content-Disposition"].endswith('1.0.1.scaipkg"')
    assert vera.get(f"{CATALOG}/greeting/download?version=7.7.7").json() == {"detail": "version not found"}


def test_a_file_that_was_changed_in_storage_is_never_handed_out(ada: Caller, empty_storage: Path) -> None:
    publish(ada)
    path = empty_storage / "catalog/tnt_demo/greeting/v1.0.0.scaipkg"
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Howdy"))
    for answer in (ada.get(f"{CATALOG}/greeting/download"), ada.post(f"{CATALOG}/greeting/install")):
        assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "too large"])
def test_a_hostile_file_in_storage_is_not_unpacked_though_its_digest_fits(
    ada: Caller, empty_storage: Path, name: str
) -> None:
    publish(ada)
    path = empty_storage / "catalog/tnt_demo/greeting/v1.0.0.scaipkg"
    path.write_bytes(HOSTILE[name])
    PackageVersion.objects.update(digest=hashlib.sha256(HOSTILE[name]).hexdigest())
    answer = ada.post(f"{CATALOG}/greeting/install", {"save": True})
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")
    assert not ada.get("/api/v1/flows").json()["items"]


def test_visibility_is_changed_by_halves_and_whole(shelf: None, ada: Caller, vera: Caller) -> None:
    road = f"{CATALOG}/for-all"
    told = ada.patch(road, {"visibility": "groups", "visibility_group_ids": ["grp_team", "grp_team"]}).json()
    assert (told["visibility"], told["visibility_group_ids"]) == ("groups", ["grp_team"])
    assert vera.get(road).status_code == 404
    told = ada.patch(road, {"visibility_group_ids": ["grp_others", "grp_team"]}).json()
    assert (told["visibility"], told["visibility_group_ids"]) == ("groups", ["grp_others", "grp_team"])
    assert ada.patch(road, {"visibility": "tenant"}).json()["visibility"] == "tenant"
    assert vera.get(road).status_code == 200
    changes = AuditEntry.objects.filter(action="package.changed").order_by("sequence").values_list("changes", flat=True)
    assert list(changes) == [
        {"visibility": ["tenant", "groups"], "visibility_group_ids": [[], ["grp_team"]]},
        {"visibility_group_ids": [["grp_team"], ["grp_others", "grp_team"]]},
        {"visibility": ["groups", "tenant"]},
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"visibility": "world"},
        {"visibility": "groups"},
        {"visibility_group_ids": ["grp_nobody"]},
        {"visibility_group_ids": [7]},
        {"visibility": ["tenant"]},
    ],
)
def test_a_visibility_that_makes_no_sense_changes_nothing(ada: Caller, body: dict[str, Any]) -> None:
    publish(ada)
    before = list(Package.objects.values())
    assert ada.patch(f"{CATALOG}/greeting", body).status_code == 422
    assert list(Package.objects.values()) == before


def test_only_author_and_admins_change_or_delete(
    shelf: None, vera: Caller, tara: Caller, olaf: Caller, sign_in: SignIn
) -> None:
    ben, road = sign_in("usr_ben"), f"{CATALOG}/for-all"
    for ask in (ben.patch, ben.delete, vera.delete):
        assert ask(road).status_code == 403
    assert ben.delete(f"{CATALOG}/for-team").status_code == olaf.delete(road).status_code == 404
    assert tara.patch(road, {"visibility": "tenant"}).status_code == 200
    assert tara.delete(f"{CATALOG}/for-team").status_code == 204


def test_a_deleted_package_is_gone_keeps_its_files_and_comes_back(
    ada: Caller, vera: Caller, sign_in: SignIn, empty_storage: Path
) -> None:
    publish(ada)
    road = f"{CATALOG}/greeting"
    assert ada.delete(road).status_code == 204
    assert seen(ada) == []
    for answer in (ada.get(road), ada.get(f"{road}/download"), ada.post(f"{road}/install"), ada.delete(road)):
        assert answer.status_code == 404
    assert (empty_storage / "catalog/tnt_demo/greeting/v1.0.0.scaipkg").exists()
    assert sign_in("usr_ben").post(f"{road}/restore").status_code == 403
    assert ada.post(f"{road}/restore").json()["version"] == "1.0.0"
    assert vera.get(road).status_code == 200
    assert ada.post(f"{road}/restore").status_code == 200
    actions = AuditEntry.objects.filter(object_id="greeting", result="done").order_by("sequence")
    assert [entry.action for entry in actions] == ["package.published", "package.deleted", "package.restored"]


def test_a_super_admin_says_which_tenant_where_two_have_the_same_id(ada: Caller, olaf: Caller, sam: Caller) -> None:
    publish(ada)
    assert sam.get(f"{CATALOG}/greeting").json()["tenant_id"] == "tnt_demo"
    publish(olaf)
    assert sam.get(f"{CATALOG}/greeting").status_code == 409
    assert sam.get(f"{CATALOG}/greeting?tenant_id=tnt_other").json()["tenant_id"] == "tnt_other"
    assert olaf.get(f"{CATALOG}/greeting?tenant_id=tnt_demo").status_code == 404
    assert olaf.get(f"{CATALOG}/greeting?tenant_id=%00").status_code == 422
    publish(sam)
    assert sam.get(f"{CATALOG}/greeting").json()["tenant_id"] == "tnt_platform"


def test_the_catalog_is_searched_and_paged(ada: Caller, django_assert_num_queries: Any) -> None:
    for number in range(5):
        publish(ada, f"package-{number}", name=f"Größe {number}")
    assert seen(ada, search="GRÖSSE 3") == seen(ada, search="package-3") == ["package-3"]
    pages, cursor = [], ""
    while cursor is not None:
        page = ada.get(CATALOG, {"limit": 2, "cursor": cursor}).json()
        assert page["total"] == 5
        pages.append([item["package_id"] for item in page["items"]])
        cursor = page["next_cursor"]
    assert pages == [["package-4", "package-3"], ["package-2", "package-1"], ["package-0"]]
    with django_assert_num_queries(3):  # who calls, the page, its groups
        ada.get(CATALOG)
    assert ada.get(CATALOG, {"limit": 0}).status_code == 422


def test_a_package_of_another_make_is_what_it_says() -> None:
    """The file of the tests above is one that would be read."""
    assert write_package(PACKAGE)
