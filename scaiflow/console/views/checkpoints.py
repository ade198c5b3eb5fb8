"""What waits for a person: listed, looked at, decided."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from flows.access import level_on
from flows.roles import Level
from lookups.operations.checkpoints import checkpoints_in_sight
from lookups.operations.scaicore import resolve_checkpoint
from scaiflow.console.page import Page
from scaiflow.console.reading import names_of, some_of
from scaiflow.console.reviews import filled, resolution_of, review_of
from scaiflow.kit.errors import NotFound
from scaiflow.kit.rights import MANAGE, VIEW

STATUSES = ("pending", "resolved", "expired")


class Checkpoints(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "checkpoints"

    def get(self, request: HttpRequest) -> HttpResponse:
        status = request.GET.get("status", "pending")
        status = status if status in STATUSES else "pending"
        found, is_cut = checkpoints_in_sight(by=self.principal, status=status)
        rows, following = some_of(found, request)
        names = names_of(_decider(one["checkpoint"]) for one in rows)
        template = "console/checkpoints/waiting.html" if self.is_partial else "console/checkpoints/list.html"
        return self.show(
            template, found=rows, number=len(found), is_cut=is_cut, status=status, statuses=STATUSES, names=names,
            following=following, again=f"status={status}",
        )  # fmt: skip


class Checkpoint(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    section = "checkpoints"

    def get(self, request: HttpRequest, checkpoint_id: str) -> HttpResponse:
        one = self.found(checkpoint_id)
        may_decide = self.principal.may(MANAGE) and level_on(self.principal, one["flow"]) >= Level.DEPLOY
        names = names_of([_decider(one["checkpoint"])])
        review = review_of(one["checkpoint"])
        review = filled(review, self.typed()) if request.method == "POST" else review
        return self.show("console/checkpoints/review.html", **one, review=review, may_decide=may_decide, names=names)

    def post(self, request: HttpRequest, checkpoint_id: str) -> HttpResponse:
        one = self.found(checkpoint_id)
        body = resolution_of(review_of(one["checkpoint"]), self.typed())
        resolve_checkpoint(by=self.principal, checkpoint_id=checkpoint_id, core_id=one["core_id"], body=body)
        return self.done(f"Decided: {body['decision']}. The run goes on.", "checkpoints")

    def typed(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.request.POST.items()}

    def found(self, checkpoint_id: str) -> dict[str, Any]:
        """ScaiCore has no call for one checkpoint, so it is looked for in its lists. Raises NotFound."""
        for status in STATUSES:
            for one in checkpoints_in_sight(by=self.principal, status=status)[0]:
                if checkpoint_id == one["id"]:
                    return {**one, "status": status}
        raise NotFound("checkpoint not found")


def _decider(checkpoint: dict[str, Any]) -> str | None:
    resolution = checkpoint.get("resolution")
    told = resolution.get("resolved_by") if isinstance(resolution, dict) else checkpoint.get("resolved_by")
    return told if isinstance(told, str) else None
