from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.urls import register_converter

from scaiflow.kit.checks import capitals_are_told_apart, statements_may_be_large
from scaiflow.kit.ids import OpaqueId


class KitConfig(AppConfig):
    name = "scaiflow.kit"
    label = "kit"

    def ready(self) -> None:
        register_converter(OpaqueId, "id")  # `<id:flow_id>` in the routes of every app
        register(capitals_are_told_apart, Tags.database)
        register(statements_may_be_large, Tags.database)
