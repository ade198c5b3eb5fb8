"""People and groups to choose from in forms. Very many are not offered: then the form takes ids as well, and says so."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from tenants.models import Group, User

OFFERED = 500


def groups_to_choose(tenant_id: str) -> dict[str, Any]:
    """What parts/groups.html shows: `{groups, groups_cut}`."""
    found = list(Group.objects.living().filter(tenant_id=tenant_id).order_by("name", "id")[: OFFERED + 1])
    return {"groups": found[:OFFERED], "groups_cut": len(found) > OFFERED}


def people_to_choose(tenant_id: str, *, but: str) -> dict[str, Any]:
    """`{people, people_cut}`"""
    living = User.objects.living().filter(tenant_id=tenant_id).exclude(id=but)
    found = list(living.order_by("display_name", "id")[: OFFERED + 1])
    return {"people": found[:OFFERED], "people_cut": len(found) > OFFERED}


def chosen_groups(form: QueryDict) -> list[str] | None:
    """The ids that were chosen or typed; None for none."""
    typed = (one.strip() for one in form.get("more_groups", "").split(","))
    return [one for one in (*form.getlist("group_ids"), *typed) if one] or None


def chosen_principal(form: QueryDict) -> dict[str, str]:
    """`{principal_type, principal_id}` of "user:usr_ada", or of an id that was typed."""
    if typed := form.get("who_id", "").strip():
        return {"principal_type": form.get("who_type", "user"), "principal_id": typed}
    kind, _, principal_id = form.get("who", "").partition(":")
    return {"principal_type": kind, "principal_id": principal_id}
