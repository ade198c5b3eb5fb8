"""One deed for every action of the audit log, done as people, programs and the beat do it. Each prepares what it needs and
hands back the deed itself, to be done once: with a log that works, or with one that cannot be written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from flows.models import Deployment, Job
from flows.tasks import deploy_flow, run_flow_tests
from scaiflow.console.tasks import keep_the_house
from tenants.models import Group, Membership, User
from tenants.operations.vault import write_secret
from tests import cast
from tests.conftest import SignIn
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.flows.deploying import CORES
from tests.loopback import Service, Told
from tests.scaikey import ScaiKey
from tests.sockets import WRITE, knock
from tests.tenants.directory import Directory, person
from tests.webhooks.test_scaikey import SECRET, post, signed
from webhooks.models import Delivery

Deed = Callable[[], Any]
KEY = "/api/v1/tenants/me/scaigrid_credentials"
CORE = "/v1/modules/scaicore"
PERSON = {"principal_type": "user", "principal_id": "usr_ben"}
LONG_AGO = timedelta(days=1000)


@dataclass
class World:
    """Where the deeds are done."""

    sign_in: SignIn
    scaikey: ScaiKey
    grid: Service
    settings: Any

    def __post_init__(self) -> None:
        self.settings.SCAIKEY_WEBHOOK_SECRETS = [SECRET]
        User.objects.create(id="usr_ben", tenant_id="tnt_demo")
        self.ada, self.tara, self.sam = (self.sign_in(**who) for who in (cast.ADA, cast.TARA, cast.SAM))

    def flow(self) -> str:
        content = greeting(tests=[{"name": "hello", "input": {}, "expect": {}}])
        return "/api/v1/flows/" + self.ada.post("/api/v1/flows", {"name": "Greeting", "content": content}).json()["id"]

    def deployed(self) -> str:
        flow = self.flow()
        Deployment.objects.create(flow_id=id_in(flow), core_id="core_1", flow_version="1.0.0", status="deployed")
        return flow

    def job(self, flow: str, kind: str = "deploy", **columns: Any) -> Job:
        given = {"version": "1.0.0", "core_id": "core_1"}
        return Job.objects.create(flow_id=id_in(flow), kind=kind, requested_by="usr_ada", arguments=given, **columns)

    def granted(self) -> str:
        flow = self.flow()
        return f"{flow}/acls/{self.ada.post(f'{flow}/acls', PERSON | {'level': 'view'}).json()['id']}"

    def publish(self) -> Any:
        draft = {"package_id": "greeting", "name": "Greeting", "version": "1.0.0", "content": greeting()}
        return self.ada.post("/api/v1/catalog/publish", draft)

    def package(self) -> str:
        self.publish()
        return "/api/v1/catalog/greeting"

    def told_by_scaikey(self, kind: str, **data: Any) -> Deed:
        now = timezone.now().isoformat()
        event = {"id": "evt_1", "type": kind, "created_at": now, "tenant_id": "tnt_demo", "data": data}
        raw = json.dumps(event).encode()
        return lambda: post(raw, signed(raw))


def id_in(flow: str) -> str:
    return flow.rpartition("/")[2]


def new_flow(world: World) -> Deed:
    return lambda: world.ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()})


def changed_flow(world: World) -> Deed:
    flow, body = world.flow(), {"content": greeting(name="Changed"), "folder": "a/b", "tags": ["new"]}
    return lambda: world.ada.put(flow, body)


def deleted_flow(world: World) -> Deed:
    flow = world.flow()
    return lambda: world.ada.delete(flow)


def restored_flow(world: World) -> Deed:
    flow = world.flow()
    world.ada.delete(flow)
    return lambda: world.ada.post(f"{flow}/restore")


def new_owner(world: World) -> Deed:
    flow = id_in(world.flow())
    return lambda: world.sam.post(f"/api/v1/admin/flows/{flow}/owner", {"owner_id": "usr_ben"})


def label(world: World) -> Deed:
    flow = world.flow()
    return lambda: world.ada.patch(f"{flow}/versions/1.0.0", {"label": "Gold"})


def live_edit(world: World) -> Deed:
    flow, token = world.flow(), world.ada.token
    return lambda: knock(WRITE, f"{flow}/sync", token=token)


def deployment(world: World) -> Deed:
    job = world.job(world.flow())
    world.grid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    world.settings.SCAIGRID_API_KEY = "sgk_of_the_installation"
    return lambda: deploy_flow(job_id=job.id)


def test_run(world: World) -> Deed:
    job = world.job(world.deployed(), "run_tests")
    world.grid.on("POST", f"{CORES}/core_1/invoke", Told(200, {"data": {"output": {}}}))
    world.settings.SCAIGRID_API_KEY = "sgk_of_the_installation"
    return lambda: run_flow_tests(job_id=job.id)


def grant(world: World) -> Deed:
    flow = world.flow()
    return lambda: world.ada.post(f"{flow}/acls", PERSON | {"level": "edit"})


def changed_grant(world: World) -> Deed:
    entry = world.granted()
    return lambda: world.ada.patch(entry, {"level": "admin"})


def revoked_grant(world: World) -> Deed:
    entry = world.granted()
    return lambda: world.ada.delete(entry)


def new_job(world: World) -> Deed:
    """Its message goes to a broker in memory, where nobody listens."""
    flow, world.settings.REDIS_URL = world.flow(), "redis://nobody.listens"
    return lambda: world.ada.post(f"{flow}/deploy", {}, headers={"Prefer": "respond-async"})


def cancelled_job(world: World) -> Deed:
    job = world.job(world.flow())
    return lambda: world.ada.post(f"/api/v1/jobs/{job.id}/cancel")


def lost_job(world: World) -> Deed:
    job = world.job(world.flow(), state="running", heartbeat_at=timezone.now() - LONG_AGO)
    return lambda: world.ada.get(f"/api/v1/jobs/{job.id}")


def old_jobs(world: World) -> Deed:
    world.job(world.flow(), state="succeeded", finished_at=timezone.now() - LONG_AGO)
    return keep_the_house


def old_deliveries(world: World) -> Deed:
    at = timezone.now() - LONG_AGO
    Delivery.objects.create(event_id="evt_old", type="t", occurred_at=at, received_at=at, handled=True)
    return keep_the_house


def old_sessions(world: World) -> Deed:
    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - LONG_AGO)
    return keep_the_house


def new_package(world: World) -> Deed:
    return world.publish


def changed_package(world: World) -> Deed:
    package = world.package()
    Group.objects.create(id="grp_team", tenant_id="tnt_demo")
    seen_by = {"visibility": "groups", "visibility_group_ids": ["grp_team"]}
    return lambda: world.ada.patch(package, seen_by)


def deleted_package(world: World) -> Deed:
    package = world.package()
    return lambda: world.ada.delete(package)


def restored_package(world: World) -> Deed:
    package = world.package()
    world.ada.delete(package)
    return lambda: world.ada.post(f"{package}/restore")


def invocation(world: World) -> Deed:
    world.deployed()
    world.grid.on("POST", f"{CORES}/core_1/invoke", Told(200, {"data": {"output": {}}}))
    return lambda: world.ada.post("/api/v1/scaicore/cores/core_1/invoke", {"input": {}})


def resolution(world: World) -> Deed:
    world.deployed()
    checkpoint = {"id": "chk_1", "core_id": "core_1", "status": "pending"}
    world.grid.on("GET", f"{CORE}/checkpoints", Told(200, {"data": {"checkpoints": [checkpoint]}}))
    world.grid.on("POST", f"{CORE}/checkpoints/chk_1/resolve", Told(200, {"data": {}}))
    return lambda: world.ada.post("/api/v1/scaicore/checkpoints/chk_1/resolve", {"decision": "approve"})


def credential(world: World) -> Deed:
    world.settings.SCAIGRID_ALLOWED_HOSTS = ["grid.example"]
    given = {"api_key": "sgk_0123456789", "base_url": "https://grid.example"}
    return lambda: world.tara.post(KEY, given)


def deleted_credential(world: World) -> Deed:
    world.tara.post(KEY, {"api_key": "sgk_0123456789"})
    return lambda: world.tara.delete(KEY)


def rotation(world: World) -> Deed:
    write_secret(path="tenants/tnt_demo/x", value="one")
    world.settings.ENCRYPTION_KEYS = [b"n" * 32, *world.settings.ENCRYPTION_KEYS]
    return lambda: call_command("rotate_keys")


def role(world: World) -> Deed:
    return lambda: world.tara.post("/api/v1/admin/users/usr_ben/role", {"role": "tenant_admin"})


def revoked_role(world: World) -> Deed:
    role(world)()
    return lambda: world.tara.delete("/api/v1/admin/users/usr_ben/role")


def sweep(world: World) -> Deed:
    there = Directory(world.scaikey)
    there.people["tnt_demo"] = [person("usr_ben"), person("usr_eve")]
    there.groups["tnt_demo"], there.members = {"grp_all": "Everybody"}, {"grp_all": [person("usr_eve")]}
    there.serve()
    return lambda: world.sam.post("/api/v1/admin/sync")


def told_user(world: World) -> Deed:
    return world.told_by_scaikey("user.suspended", id="usr_ben", status="SUSPENDED")


def told_group(world: World) -> Deed:
    return world.told_by_scaikey("group.created", id="grp_all", name="Everybody")


def told_membership(world: World) -> Deed:
    """Which makes a super admin, so there is more than one thing to be written."""
    Group.objects.create(id="grp_root", tenant_id="tnt_demo", name="Platform")
    Membership.objects.create(group_id="grp_root", user_id="usr_eve", tenant_id="tnt_demo")
    world.settings.SUPER_ADMIN_GROUPS = ["grp_root"]
    return world.told_by_scaikey("group_membership.added", group_id="grp_root", user_id="usr_ben")


def signed_in(world: World) -> Deed:
    visitor = Visitor(world.scaikey)
    return lambda: visitor.sign_in("usr_ben").session.get("_auth_user_id")


def signed_out(world: World) -> Deed:
    visitor = Visitor(world.scaikey).sign_in("usr_ben")
    return lambda: visitor.send("/logout")


def refusal(world: World) -> Deed:
    vera = world.sign_in(**cast.VERA)
    return lambda: vera.post("/api/v1/flows", {"name": "Mine", "content": greeting()})


DEEDS: dict[str, Callable[[World], Deed]] = {
    "flow.created": new_flow,
    "flow.changed": changed_flow,
    "flow.deleted": deleted_flow,
    "flow.restored": restored_flow,
    "flow.owner_changed": new_owner,
    "flow.version_labelled": label,
    "flow.edited_live": live_edit,
    "flow.deployed": deployment,
    "flow.tested": test_run,
    "acl.granted": grant,
    "acl.changed": changed_grant,
    "acl.revoked": revoked_grant,
    "job.started": new_job,
    "job.cancelled": cancelled_job,
    "job.ended": lost_job,
    "jobs.forgotten": old_jobs,
    "deliveries.forgotten": old_deliveries,
    "sessions.forgotten": old_sessions,
    "package.published": new_package,
    "package.changed": changed_package,
    "package.deleted": deleted_package,
    "package.restored": restored_package,
    "core.invoked": invocation,
    "checkpoint.resolved": resolution,
    "credential.set": credential,
    "credential.deleted": deleted_credential,
    "secrets.rotated": rotation,
    "role.granted": role,
    "role.revoked": revoked_role,
    "mirror.synced": sweep,
    "user.mirrored": told_user,
    "group.mirrored": told_group,
    "membership.mirrored": told_membership,
    "browser.signed_in": signed_in,
    "browser.signed_out": signed_out,
    "right.refused": refusal,
}
