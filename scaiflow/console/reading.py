"""What pages read across the apps: names behind ids, what is live, what went wrong lately."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, Max, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils import timezone

from flows.models import Deployment, Flow, FlowVersion, Job
from flows.roles import JobKind, JobState
from tenants.models import Group, Membership, User
from tenants.principals import Principal

LATELY = timedelta(days=14)
LOOKED_AT = 300


def some_of(rows: Any, request: HttpRequest, *, size: int = 100) -> tuple[list[Any], int | None]:
    """Up to `size` of the rows from `?from=` on, and where the next ones begin (None at the end). For lists that have no
    time to page by."""
    given = request.GET.get("from", "")
    begin = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 0
    found = list(rows[begin : begin + size + 1])
    return found[:size], begin + size if len(found) > size else None


def rows_before(rows: Any, request: HttpRequest, *, size: int) -> tuple[list[Any], int | None]:
    """Up to `size` of rows that are numbered by `sequence`, the highest first, below `?before=`; and the number to go on
    below (None at the end)."""
    given = request.GET.get("before", "")
    if given.isascii() and given.isdigit() and len(given) < 10:
        rows = rows.filter(sequence__lt=int(given))
    found = list(rows.order_by("-sequence")[: size + 1])
    return found[:size], found[size - 1].sequence if len(found) > size else None


def members_of(groups: Iterable[Group], *, most: int) -> dict[str, list[User]]:
    """The first `most` people of each group by name, by the group's id; one query."""
    place = Window(RowNumber(), partition_by=F("group"), order_by=(F("user__display_name"), F("user__id")))
    living = Membership.objects.living().filter(group__in=list(groups), user__deleted_at=None)
    found: dict[str, list[User]] = {}
    for one in living.annotate(place=place).filter(place__lte=most).select_related("user").order_by("place"):
        found.setdefault(one.group_id, []).append(one.user)
    return found


def names_of(user_ids: Iterable[str | None], group_ids: Iterable[str] = ()) -> dict[str, str]:
    """`{id: name}` of those in the mirror; two queries at most."""
    wanted, groups = {one for one in user_ids if one}, set(group_ids)
    people = User.objects.filter(id__in=wanted).values_list("id", "display_name", "email") if wanted else []
    names = {user_id: name or email or user_id for user_id, name, email in people}
    if groups:
        names |= {
            group_id: name or group_id
            for group_id, name in Group.objects.filter(id__in=groups).values_list("id", "name")
        }
    return names


def live_deployments(flows: Iterable[Flow]) -> dict[str, Deployment]:
    """The newest deployment of each flow that has one, by the flow's id; one query."""
    newest = Deployment.objects.filter(flow=OuterRef("pk")).newest_first().values("pk")[:1]
    last = Flow.objects.filter(id__in=[flow.id for flow in flows]).annotate(last=Subquery(newest)).values("last")
    return {found.flow_id: found for found in Deployment.objects.filter(id__in=last)}


def cores_of(flow: Flow) -> list[str]:
    """The Cores that a flow was ever deployed to, the one of the last deploy first."""
    last = flow.deployments.values("core_id").annotate(last=Max("deployed_at")).order_by("-last", "core_id")
    return list(last.values_list("core_id", flat=True))


def needing_attention(by: Principal) -> list[dict[str, Any]]:
    """Flows whose last deploy or last test run went wrong, newest first: `[{job, what}]`. What has been mended since is not
    told."""
    seen: set[tuple[str, str]] = set()
    found = []
    for job in _recent_jobs(by):
        key = (job.flow_id, job.kind)
        if key in seen or not job.is_over or job.state == JobState.CANCELLED:
            continue
        seen.add(key)
        if what := _went_wrong(job):
            found.append({"job": job, "what": what})
    return found


def _recent_jobs(by: Principal) -> Iterable[Job]:
    flows = Flow.objects.visible_to(by).living().values("pk")
    since = timezone.now() - LATELY
    return Job.objects.filter(flow__in=flows, created_at__gte=since).select_related("flow").newest_first()[:LOOKED_AT]


def _went_wrong(job: Job) -> str:
    if job.state == JobState.FAILED:
        return "Deploy failed" if job.kind == JobKind.DEPLOY else "Test run failed"
    failed = (job.result or {}).get("failed") if job.kind == JobKind.RUN_TESTS else 0
    return f"{failed} of {len((job.result or {}).get('results', []))} tests failed" if failed else ""


def recent_activity(by: Principal, *, limit: int = 12) -> list[dict[str, Any]]:
    """`[{at, who, what, flow}]` of saves and deploys on flows that one sees, newest first."""
    flows = Flow.objects.visible_to(by).living().values("pk")
    saves = FlowVersion.objects.filter(flow__in=flows).select_related("flow").order_by("-created_at", "-id")[:limit]
    deploys = Deployment.objects.filter(flow__in=flows).select_related("flow").newest_first()[:limit]
    told: list[dict[str, Any]] = [
        {"at": save.created_at, "who": save.author_id, "what": f"saved version {save.version}", "flow": save.flow}
        for save in saves
    ] + [
        {
            "at": one.deployed_at,
            "who": one.deployed_by,
            "what": f"deployed version {one.flow_version}",
            "flow": one.flow,
        }
        for one in deploys
    ]
    return sorted(told, key=lambda one: one["at"], reverse=True)[:limit]
