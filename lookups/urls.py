"""Every door of the app."""

from __future__ import annotations

from django.urls import path

from lookups.views.lookups import Bunkers, Models, ScopeQueues, Scopes
from lookups.views.scaicore import CheckpointResolve, Checkpoints, CoreInvoke, Events
from lookups.views.stream import EventStream

urlpatterns = [
    path("scaiqueue/scopes", Scopes.as_view(), name="scaiqueue-scopes"),
    path("scaiqueue/scopes/<id:scope_id>/queues", ScopeQueues.as_view(), name="scaiqueue-queues"),
    path("scaibunker/bunkers", Bunkers.as_view(), name="scaibunker-bunkers"),
    path("scaigrid/models", Models.as_view(), name="scaigrid-models"),
    path("scaicore/events", Events.as_view(), name="scaicore-events"),
    path("scaicore/events/stream", EventStream.as_view(), name="scaicore-event-stream"),
    path("scaicore/checkpoints", Checkpoints.as_view(), name="scaicore-checkpoints"),
    path(
        "scaicore/checkpoints/<id:checkpoint_id>/resolve",
        CheckpointResolve.as_view(),
        name="scaicore-checkpoint-resolve",
    ),
    path("scaicore/cores/<id:core_id>/invoke", CoreInvoke.as_view(), name="scaicore-core-invoke"),
]
