"""Every registered action of the audit log, made to happen once: it is written down, and what cannot be written down does
not happen. An action that is in no deed fails the build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from django.utils.module_loading import autodiscover_modules

from flows.models import Core, Job
from scaiflow.kit import audit
from scaiflow.kit.models import AuditEntry, Lease
from scaiflow.upstream.breaker import breaker_for
from tests.conftest import SignIn
from tests.deeds import DEEDS, World
from tests.loopback import Service
from tests.scaikey import ScaiKey

pytestmark = pytest.mark.django_db
OURS = ("flows", "tenants", "catalog", "webhooks", "kit", "sessions")
# What is written while a job is worked on, long before it ends; who holds a lease; a session that has only begun to sign in.
BESIDES: dict[str, set[str]] = {
    "flow.deployed": {"Job", "Core"}, "flow.tested": {"Job"}, "browser.signed_in": {"Session"},
}  # fmt: skip
# Their deed is at ScaiGrid and not in our rows (lookups/operations/scaicore.py); and who is refused is refused all the same.
NOT_OURS = {"core.invoked", "checkpoint.resolved", "right.refused"}


@pytest.fixture
def world(sign_in: SignIn, scaikey: ScaiKey, scaigrid: Service, settings: Any) -> World:
    breaker_for.cache_clear()
    return World(sign_in, scaikey, scaigrid, settings)


def everything(folder: Path, *, but: set[str]) -> dict[str, list[Any]]:
    """All rows and all objects."""
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    found: dict[str, list[Any]] = {"objects": sorted(path for path in folder.rglob("*") if path.is_file())}
    with connection.cursor() as cursor:
        for model in models:
            if model is not Lease and model.__name__ not in but:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
                found[model.__name__] = sorted(cursor.fetchall(), key=repr)
    return found


def test_every_registered_action_has_its_deed() -> None:
    autodiscover_modules("actions")
    assert set(DEEDS) == {action for action in audit.ACTIONS if not action.startswith("tests.")}
    page = (Path(__file__).parents[1] / "docs/identity.md").read_text()
    assert [action for action in DEEDS if f"`{action}`" not in page] == []


@pytest.mark.parametrize("action", DEEDS)
def test_what_is_done_is_written_down(world: World, action: str) -> None:
    deed = DEEDS[action](world)
    before = AuditEntry.objects.filter(action=action).count()
    deed()
    (entry,) = AuditEntry.objects.filter(action=action)[before:]
    assert entry.tenant_id in {"tnt_demo", ""}
    assert entry.actor_id.startswith(("usr_", "system"))
    assert entry.result == {"job.ended": "failed", "right.refused": "refused"}.get(action, "done")
    assert [*audit.problems(entry.tenant_id)] == []


@pytest.mark.parametrize("action", sorted(set(DEEDS) - NOT_OURS))
def test_what_cannot_be_written_down_does_not_happen(
    world: World, action: str, empty_storage: Path, break_the_log: Callable[[], None]
) -> None:
    deed, but = DEEDS[action](world), BESIDES.get(action, set())
    before = everything(empty_storage, but=but)
    break_the_log()
    try:
        told = deed()
    except DatabaseError:
        told = None
    status = getattr(told, "status_code", told)
    assert status in {None, 503} or (action, status) == ("browser.signed_out", 500)  # a page, and no API
    assert everything(empty_storage, but=but) == before
    assert not Job.objects.filter(state="succeeded", finished_at=None).exists()
    assert all(job.state == "running" for job in Job.objects.all() if "Job" in but)
    assert Core.objects.count() == (1 if "Core" in but else 0)
