"""Levels on one flow, weakest first, and the states of a job."""

from __future__ import annotations

from enum import IntEnum

from django.db import models


class Level(IntEnum):
    VIEW = 1
    EDIT = 2
    DEPLOY = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> Level | None:
        return next((level for level in cls if level.word == word), None)


class PrincipalType(models.TextChoices):
    USER = "user"
    GROUP = "group"


class JobKind(models.TextChoices):
    DEPLOY = "deploy"
    RUN_TESTS = "run_tests"


class JobState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeploymentStatus(models.TextChoices):
    DEPLOYED = "deployed"
    PUBLISH_FAILED = "publish_failed"
