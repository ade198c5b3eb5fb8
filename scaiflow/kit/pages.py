"""Pages of Django's admin: to look at, inside one's own tenant. What is done from there goes through the operations
(acts.py), which write it down; nothing is saved by a form.

The site (console/site.py) says who is asking: `admin_site.principal_of(request)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from scaiflow.kit.errors import Unseen


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """`tenant_path` leads from the model to its tenant ("" where rows belong to none: those are for super admins alone).
    `secret_fields` are on no page. `history_type` is what the audit log calls such an object."""

    tenant_path: ClassVar[str] = "tenant_id"
    secret_fields: ClassVar[tuple[str, ...]] = ()
    history_type: ClassVar[str] = ""
    actions: Sequence[Any] | None = None
    actions_selection_counter = True
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The one gate of every list, page, search, autocomplete and act: the caller's tenant, all for super admins."""
        found = super().get_queryset(request)
        by = self.admin_site.principal_of(request)  # type: ignore[attr-defined]
        return found if by.is_super_admin else self.of_tenant(found, by.tenant_id)

    def of_tenant(self, rows: QuerySet[Any], tenant_id: str) -> QuerySet[Any]:
        return rows.filter(**{self.tenant_path: tenant_id}) if self.tenant_path else rows.none()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.secret_fields, *(self.exclude or ()))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """An address may filter by any field; by a secret one it would tell it letter by letter."""
        return lookup.split("__")[0] not in self.secret_fields and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        by = self.admin_site.principal_of(request)  # type: ignore[attr-defined]
        return bool(by and by.admin_role and (self.tenant_path or by.is_super_admin))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What the audit log tells of the object. (Django's own history would be empty: it knows of forms only.)"""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        query = urlencode({"object_type": self.history_type, "object_id": self.history_id(row)})
        return HttpResponseRedirect(reverse("admin:kit_auditentry_changelist") + f"?{query}")

    def history_id(self, row: Any) -> str:
        """Under which id the audit log tells of this row."""
        return str(row.pk)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """Django would lead back to the index with a friendly word; here what is not seen is 404, like everywhere."""
        if self.is_there([unquote(object_id)]):
            self.admin_site.note_refusal(request, Unseen(f"{self.opts.verbose_name} not found"))  # type: ignore[attr-defined]
        raise Http404

    def is_there(self, object_ids: Iterable[str]) -> bool:
        """Whether one of them exists, whoever may see it. (Ids come as text, and may be none of this model's.)"""
        keys = [key for key in map(self._key, object_ids) if key is not None]
        return bool(keys) and super().get_queryset(None).filter(pk__in=keys).exists()  # type: ignore[arg-type]

    def _key(self, object_id: str) -> Any:
        try:
            return self.opts.pk.to_python(object_id)
        except ValidationError:
            return None


class OneOf(admin.SimpleListFilter):
    """A filter whose choices are known beforehand: nothing is asked of the table for them."""

    field: ClassVar[str]
    choices_known: ClassVar[Sequence[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(choice, choice) for choice in sorted(self.choices_known)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


def one_of(field: str, choices: Iterable[str]) -> type[OneOf]:
    body = {"field": field, "title": field, "parameter_name": f"{field}_is", "choices_known": choices}
    return type(f"OneOf_{field}", (OneOf,), body)
