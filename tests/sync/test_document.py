"""The document on the server: nothing is lost, also when it comes in the wrong order."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from flows.sync.document import (
    MOST_WAIT,
    NOTHING,
    BadUpdate,
    BadVector,
    Document,
    TooMuchWaits,
    has_structs,
    is_plain,
    merged,
    merged_in_chunks,
)
from flows.sync.nesting import types_in
from flows.sync.protocol import write_uint
from flows.sync.trial import try_out


def typed(count: int, *, delete_last: bool = False) -> list[bytes]:
    """The updates of somebody who types `count` words, and maybe takes the last one back."""
    doc: Doc = Doc()
    updates: list[bytes] = []
    watch = doc.observe(lambda event: updates.append(event.update))
    words = doc.get("words", type=Array)
    for number in range(count):
        words.append(f"word {number}")
    if delete_last:
        del words[count - 1]
    doc.unobserve(watch)
    return updates


def words_in(state: bytes) -> list[str]:
    doc: Doc = Doc()
    doc.apply_update(state)
    return doc.get("words", type=Array).to_py() or []


def test_a_newcomer_gets_what_everybody_wrote() -> None:
    document = Document(typed(250))
    assert words_in(document.since()) == [f"word {number}" for number in range(250)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_updates_in_any_order_are_the_same_document_in_the_end(order: tuple[int, ...]) -> None:
    updates = typed(3, delete_last=True)
    document = Document()
    for place in order:
        document.apply(updates[place])
    assert words_in(document.since()) == ["word 0", "word 1"]


def test_what_waits_for_something_missing_is_in_the_snapshot_too() -> None:
    updates = typed(4, delete_last=True)
    snapshot = Document([updates[0], updates[2], updates[4]]).since()
    later = Document([snapshot, updates[3], updates[1]])
    assert words_in(later.since()) == ["word 0", "word 1", "word 2"]
    assert later.since() == Document(updates).since()


def test_it_tells_news_from_what_it_knows() -> None:
    updates = typed(3, delete_last=True)
    document = Document()
    told = [document.apply(update) for update in [updates[0], updates[0], updates[2], updates[2], updates[1], NOTHING]]
    assert told == [True, False, True, False, True, False]
    assert not document.apply(document.since())
    assert document.apply(updates[3])
    assert not document.apply(updates[3])


def test_a_difference_is_what_the_other_lacks() -> None:
    updates = typed(3)
    behind = Document(updates[:2])
    behind.apply(Document(updates).since(behind.vector()))
    assert behind.vector() == Document(updates).vector()


@given(st.binary(max_size=80))
def test_any_bytes_are_taken_in_or_refused(junk: bytes) -> None:
    for try_it in (Document().apply, Document().since):
        try:
            try_it(junk)
        except (BadUpdate, BadVector):
            continue


# Updates of which a reader of them falls over, and one that is taken in but cannot be merged with anything afterwards.
BREAKING = [
    bytes.fromhex("0101ffc7fdccdf9f8a0a0208010561017c0000000000"),
    bytes.fromhex("0101db9db896f3a4e8028788db9db896f3a4e8f732017c4150000000"),
    bytes.fromhex("0101ffc7fdcc059f8a0a2288ffc7fdccdf9f8adc1e01fa4100000000"),
]


@pytest.mark.parametrize("update", BREAKING)
def test_an_update_that_breaks_its_reader_is_refused_and_nothing_else_happens(update: bytes) -> None:
    updates = typed(5)
    document = Document(updates[:2])
    document.apply(updates[3])  # waits for the one before it
    before = document.since()
    try:
        document.apply(update)
    except BadUpdate:
        assert document.since() == before
    for honest in updates[2:]:
        document.apply(honest)
    assert words_in(document.since()) == [f"word {number}" for number in range(5)]
    assert not document.is_broken


def mixed(count: int) -> list[bytes]:
    """The updates of somebody who uses all that there is, and deletes some of it."""
    doc: Doc = Doc()
    updates: list[bytes] = []
    text, items, table = (doc.get(name, type=kind) for name, kind in (("t", Text), ("words", Array), ("m", Map)))
    watch = doc.observe(lambda event: updates.append(event.update))
    for number in range(count):
        text.insert(0, "hé")
        items.append(f"word {number}")
        table[f"k{number % 3}"] = {"x": number}
        if number % 4 == 0:
            del text[0:1]
    doc.unobserve(watch)
    return updates


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_somebody_makes_of_a_real_update_the_document_goes_on(seed: int) -> None:
    """It is refused, or taken in; either way others write on, and newcomers and restarts get all of it."""
    chance, updates = random.Random(seed), MIXED
    document = Document(updates[: chance.randrange(len(updates))])
    spoilt = bytearray(chance.choice(updates))
    for _ in range(chance.randint(1, 3)):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    try:
        document.apply(bytes(spoilt))
    except BadUpdate:
        if document.is_broken:
            return
    told = document.since()
    assert Document([told]).since()
    for honest in updates:
        document.apply(honest)
    assert Document([document.since()]).since()


MIXED = mixed(15)


def test_a_damaged_update_leaves_the_document_as_it_was() -> None:
    updates = typed(3)
    document = Document(updates[:2])
    before, chance = document.since(), random.Random(7)
    for _ in range(500):
        damaged = bytearray(updates[2])
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            Document([before]).apply(bytes(damaged[: chance.randrange(1, len(damaged))]))
        except BadUpdate:
            continue
    assert document.since() == before


def test_ten_thousand_updates_are_merged_into_the_same_document() -> None:
    updates = typed(10_000)
    chunks = merged_in_chunks(updates)
    assert len(chunks) == 400
    assert len(words_in(Document(chunks).since())) == 10_000


def test_what_is_no_update_is_not_merged() -> None:
    for junk in ([b"\xff", b"\xff"], [NOTHING, b""]):
        with pytest.raises(BadUpdate):
            merged(junk)
    with pytest.raises(BadUpdate):
        has_structs(b"")
    assert [has_structs(update) for update in typed(1, delete_last=True)] == [True, False]


def test_promises_of_many_clients_are_not_believed() -> None:
    many = b"\x80\x80\x80\x39"
    for try_it, kind in ((Document().apply, BadUpdate), (Document().since, BadVector)):
        with pytest.raises(kind):
            try_it(many)  # type: ignore[operator]


def test_an_update_that_would_end_the_process_ends_another_one() -> None:
    deep = b"\x01\x01\x05\x00\x08\x01\x01a\x01" + b"u\x01" * 200_000
    assert not is_plain(deep)
    with pytest.raises(BadUpdate):
        asyncio.run(try_out(deep))


def test_what_may_not_wait_is_refused_and_what_need_not_is_taken_in() -> None:
    updates, others = typed(4), typed(3)
    document = Document([updates[0], others[1]])  # the second waits for the first of its author
    with pytest.raises(TooMuchWaits) as refused:
        document.apply(updates[2], may_wait=False)
    assert refused.value.taken == b""
    with pytest.raises(TooMuchWaits) as refused:
        document.apply(merged([updates[1], updates[3]]), may_wait=False)
    assert words_in(Document([updates[0], refused.value.taken]).since()) == ["word 0", "word 1"]
    assert words_in(document.since()) == ["word 0", "word 1"]
    document.apply(updates[2])  # yrs has forgotten the fourth, which was refused
    document.apply(others[0])
    assert sorted(words_in(document.since())) == ["word 0", "word 0", "word 1", "word 1", "word 2"]
    assert not document.is_broken


def test_little_may_wait() -> None:
    document = Document()
    assert document.is_patient
    for update in [typed(2)[1] for _ in range(MOST_WAIT)]:
        document.apply(update)
    assert not document.is_patient
    assert document.kept_back == MOST_WAIT


def nested(levels: int) -> list[bytes]:
    """The updates of somebody who puts an array into an array, and so on."""
    head = [b"\x01\x01\x05" + write_uint(level) + b"\x07" for level in range(levels)]
    parents = [b"\x01\x01a", *(b"\x00\x05" + write_uint(level) for level in range(levels - 1))]
    return [begin + parent + b"\x00\x00" for begin, parent in zip(head, parents, strict=True)]


def test_types_are_never_counted_as_fewer_than_there_are() -> None:
    chance = random.Random(5)
    for _ in range(200):
        doc: Doc = Doc()
        updates: list[bytes] = []
        watch = doc.observe(lambda event, updates=updates: updates.append(event.update))
        items, table, types = doc.get("a", type=Array), doc.get("m", type=Map), 0
        for number in range(chance.randint(1, 30)):
            kind = chance.choice([Map, Array, Text, str])
            types += kind is not str
            new = {Map: Map, Array: Array, Text: Text, str: lambda: "gGg\x07'"}[kind]()
            if chance.random() < 0.5:
                items.insert(chance.randint(0, len(items)), new)
            else:
                table[f"g{number}"] = new
        doc.unobserve(watch)
        assert sum(map(types_in, updates)) >= types
        assert types_in(merged(updates)) >= types
    assert sum(map(types_in, typed(1000))) == 0


def test_types_that_nest_too_deep_one_by_one_are_found_out() -> None:
    for levels, is_good in ((1500, True), (9000, False)):
        updates = nested(levels)
        assert sum(map(types_in, updates)) >= levels
        document = Document(updates)
        try:
            asyncio.run(try_out(document.since()))
            assert is_good
        except BadUpdate:
            assert not is_good


def test_a_large_honest_update_passes_its_trial() -> None:
    doc: Doc = Doc()
    doc.get("words", type=Array).append("universe" * 10_000)
    assert not is_plain(doc.get_update())
    asyncio.run(try_out(doc.get_update()))
