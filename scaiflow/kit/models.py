"""Rows of the ground: the audit log with the heads of its chains, and leases."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models

from scaiflow.kit.ids import audit_id


class AppendOnly(Exception):
    """Somebody tried to change what was written into the audit log."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnly("audit entries are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnly("audit entries are never deleted")


class AuditEntry(models.Model):
    """One change of state, or one refusal of a right. `digest` covers the entry and the digest of the tenant's entry
    before it, so that nothing can be changed, left out or put in between without `verify_audit` noticing."""

    id = models.CharField(primary_key=True, max_length=32, default=audit_id)
    tenant_id = models.CharField(max_length=64)
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    actor_id = models.CharField(max_length=128)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=512)
    result = models.CharField(max_length=16)
    request_id = models.CharField(max_length=128, blank=True)
    changes = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant_id", "sequence"], name="audit_sequence_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant_id", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["-at", "-id"], name="audit_newest_of_all"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_id} {self.action} {self.object_id}: {self.result}"

    def save(self, *args: Any, **options: Any) -> None:
        """Written once. (The one piece of logic in a `save()`: it is here to refuse.)"""
        if not self._state.adding:
            raise AppendOnly("audit entries are never changed")
        super().save(*args, **options | {"force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly("audit entries are never deleted")


class AuditChain(models.Model):
    """Where a tenant's chain ends. Its lock puts the entries of one tenant in a row; its count notices a cut-off end."""

    tenant_id = models.CharField(primary_key=True, max_length=64)
    sequence = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.sequence}"


class Lease(models.Model):
    """Who may do something that must not be done twice at once, and until when (see kit/leases.py)."""

    name = models.CharField(primary_key=True, max_length=64)
    holder = models.CharField(max_length=64, blank=True)
    held_until = models.DateTimeField()
    last_done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
