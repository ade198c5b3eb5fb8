"""Shared documents at rest: read whole, added to, and compacted. All of it blocks; none of it runs on an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from flows.journal_files import all_groups, left_behind, read_files, set_aside
from flows.models import DocumentUpdate, Flow, FlowDocument
from flows.streams import dirty_flows, drop_from_stream, read_stream
from flows.sync.document import BadUpdate, Document, portions
from flows.sync.nesting import types_in
from scaiflow.kit.leases import LeaseTaken, lease

log = structlog.get_logger(__name__)
DELETED_AT_ONCE, INSERTED_AT_ONCE = 300, 100
# SQLite's driver keeps every statement of the last 128, with the values that it was given last.
INSERTED_BYTES = 64_000
# Written by hand: this is the one write that happens all the time. A single statement is a transaction by itself.
INSERT = "INSERT INTO flows_documentupdate ({names}) VALUES "
NAMES = ("flow_id", "change", "created_at")  # quoted: the second is a word of MariaDB's own
ROW = "(%s, %s, %s)"


@dataclass(frozen=True)
class Stored:
    """What was found: up to where the stream was read, how many entries the logs held, and their weight; and how many types
    there are, at least, or more than enough (sync/nesting.py)."""

    document: Document
    position: str
    entries: int
    weight: int  # bytes
    snapshot_weight: int
    types: int


@dataclass(frozen=True)
class Parts:
    """Everything that is known of a document, read in the one order in which nothing can slip through: the stream and the
    files, then the rows, then the snapshot. What moves meanwhile is read twice, which changes nothing."""

    position: str
    streamed: list[tuple[str, bytes]]
    filed: list[bytes]
    rows: list[tuple[int, bytes]]
    snapshot: bytes | None
    revision: int

    def updates(self) -> list[bytes]:
        return ([self.snapshot] if self.snapshot else []) + self.logged()

    def logged(self) -> list[bytes]:
        return [change for _, change in self.rows] + [change for _, change in self.streamed] + self.filed


def load_document(flow_id: str) -> Stored:
    """The whole document. An update that cannot be taken in (damage at rest) is left out and told in the log."""
    parts = _read(flow_id)
    try:
        document = Document(parts.updates())
    except BadUpdate:
        document = _without_damage(flow_id, parts.updates())
    logged = parts.logged()
    types, weight = sum(map(types_in, parts.updates())), sum(map(len, logged))
    return Stored(document, parts.position, len(logged), weight, len(parts.snapshot or b""), types)


def append_updates(groups: Sequence[tuple[str, bytes]]) -> None:
    """Writes groups of several flows; when it returns they are there for whoever comes, also after `kill -9`."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    insert = INSERT.format(names=", ".join(map(connection.ops.quote_name, NAMES)))
    with connection.cursor() as cursor:
        for some in portions(groups, lambda group: len(group[1]), most=INSERTED_AT_ONCE, heaviest=INSERTED_BYTES):
            values = [value for flow_id, change in some for value in (flow_id, change, now)]
            cursor.execute(insert + ", ".join([ROW] * len(some)), values)


def compact_document(flow_id: str) -> int:
    """Makes one snapshot of all there is, and takes away exactly what went into it: an update that arrives meanwhile stays.
    Its bytes; 0 when somebody else is at it, or when there is nothing to do."""
    try:
        with lease(f"sync:{flow_id}"):
            return _compact(flow_id)
    except LeaseTaken:
        return 0


def compact_forgotten() -> None:
    """Brings into the database what processes that died have left in Redis, or in files."""
    bring_in_files()
    for flow_id in dirty_flows():
        compact_document(flow_id)


def copy_files() -> None:
    """Brings into the database what is only in files, also of processes that live (they will bring it in once more, which
    changes nothing): a copy of the database then has it all."""
    append_updates(_of_known_flows(all_groups()))


def bring_in_files() -> None:
    """Of processes that died. A flow that is not there is one of another database."""
    for path, groups in left_behind():
        known = _of_known_flows(groups)
        append_updates(known)
        path.unlink(missing_ok=True)
        log.info("brought in a log file", groups=len(groups), unknown=len(groups) - len(known))


def set_aside_files() -> list[Path]:
    """What is only in files of a database that is not there any more is never brought into this one. Where it is now. Raises
    BlockingIOError when somebody writes there."""
    return set_aside()


def _of_known_flows(groups: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    known = set(Flow.objects.filter(id__in={flow_id for flow_id, _ in groups}).values_list("id", flat=True))
    return [(flow_id, change) for flow_id, change in groups if flow_id in known]


def _compact(flow_id: str) -> int:
    parts = _read(flow_id)
    if not parts.logged():
        drop_from_stream(flow_id, [])
        return 0
    try:
        state = Document(parts.updates()).since()
    except BadUpdate:
        log.error("document cannot be compacted", flow=flow_id)
        return 0
    try:
        with transaction.atomic():
            _replace_snapshot(flow_id, state, parts)
            _delete_rows([row_id for row_id, _ in parts.rows])
    except (_Overtaken, IntegrityError):
        return 0
    drop_from_stream(flow_id, [(entry_id, len(change)) for entry_id, change in parts.streamed])
    return len(state)


class _Overtaken(Exception):
    """Somebody made a snapshot since we read: their lease or ours was too old."""


def _replace_snapshot(flow_id: str, state: bytes, parts: Parts) -> None:
    if parts.snapshot is None:
        FlowDocument.objects.create(flow_id=flow_id, state=state)
        return
    mine = FlowDocument.objects.filter(flow_id=flow_id, revision=parts.revision)
    if not mine.update(state=state, revision=parts.revision + 1, updated_at=timezone.now()):
        raise _Overtaken


def _delete_rows(ids: list[int]) -> None:
    """By their ids: on PostgreSQL a row with a lower id may become visible after one with a higher."""
    for at in range(0, len(ids), DELETED_AT_ONCE):
        DocumentUpdate.objects.filter(id__in=ids[at : at + DELETED_AT_ONCE]).delete()


def _read(flow_id: str) -> Parts:
    (position, streamed), filed = read_stream(flow_id), read_files(flow_id)
    found = DocumentUpdate.objects.filter(flow_id=flow_id).order_by("id").values_list("id", "change")
    rows = [(row_id, bytes(change)) for row_id, change in found]
    snapshot = FlowDocument.objects.filter(flow_id=flow_id).values_list("state", "revision").first()
    state, revision = snapshot or (None, 0)
    return Parts(position, streamed, filed, rows, bytes(state) if state is not None else None, revision)


def _without_damage(flow_id: str, updates: list[bytes]) -> Document:
    document, good = Document(), []
    for update in updates:
        try:
            document.apply(update)
            good.append(update)
        except BadUpdate as error:
            log.error("damaged update left out", flow=flow_id, bytes=len(update), error=str(error))
            document = Document(good) if document.is_broken else document
    return document
