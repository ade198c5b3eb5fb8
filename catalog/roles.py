"""Who sees a package, beside its author and the admins."""

from __future__ import annotations

from django.db import models


class Visibility(models.TextChoices):
    TENANT = "tenant"
    GROUPS = "groups"
