"""Our own secret store, for installations without ScaiVault: one row a secret, sealed (kit/crypto.py)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Secret(models.Model):
    """`sealed` is bound to the path: a row copied to another path does not open."""

    path = models.CharField(primary_key=True, max_length=512)
    sealed = models.TextField()
    key_id = models.CharField(max_length=16, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural: ClassVar[str] = "secrets"

    def __str__(self) -> str:
        return self.path

    @property
    def tenant_id(self) -> str:
        """Whose it is: the second part of `tenants/<tenant id>/<name>`."""
        return f"{self.path}//".split("/")[1]
