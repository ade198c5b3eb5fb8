"""The stream of a Core's events, through the ASGI application, against a ScaiCore on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient
from django.utils import timezone

from flows.models import Deployment, FlowACL
from lookups.hub import MOST_WAITING
from scaiflow.upstream.breaker import breaker_for
from tenants.models import User
from tests.conftest import Caller, SignIn
from tests.drawings import greeting
from tests.lookups.eventlog import PATIENCE, ROAD, EventLog, Reader
from tests.loopback import Asked, Service, Told
from tests.scaikey import ScaiKey

pytestmark = pytest.mark.django_db(transaction=True)
BREATH = threading.Event()
STREAM = "/api/v1/scaicore/events/stream?core_id=core_1"


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    breaker_for.cache_clear()
    settings.EVENT_POLL_SECONDS, settings.EVENT_HEARTBEAT_SECONDS, settings.EVENT_RECHECK_SECONDS = 0.02, 5.0, 60.0


@pytest.fixture
def log(scaigrid: Service) -> EventLog:
    return EventLog(scaigrid)


@pytest.fixture
def flow_id(ada: Caller) -> str:
    made: str = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()["id"]
    Deployment.objects.create(flow_id=made, core_id="core_1", flow_version="1.0.0", status="deployed")
    return made


def opened(flow_id: str, guest: Caller, name: str) -> Caller:
    FlowACL.objects.create(flow_id=flow_id, principal_type="user", principal_id=name, level=1)
    return guest


@asynccontextmanager
async def stream(caller: Caller, query: str = "", **headers: str) -> AsyncIterator[Reader]:
    sent = {
        "Authorization": f"Bearer {caller.token}",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    answer = await AsyncClient().get(STREAM + query, headers=sent)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/event-stream"
    chunks = aiter(answer.streaming_content)  # type: ignore[attr-defined]
    try:
        assert await anext(chunks) == b"retry: 3000\n\n"
        yield Reader(chunks)
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]
        await sync_to_async(answer.close)()  # as the server does


async def until(true: Callable[[], bool]) -> None:
    """Raises TimeoutError when it hangs."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.to_thread(lambda: None)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(story)()


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("with_ids", [True, False])
def test_it_begins_with_what_was_and_goes_on_with_what_happens(
    ada: Caller, flow_id: str, scaigrid: Service, oldest_first: bool, with_ids: bool
) -> None:
    log = EventLog(scaigrid, oldest_first=oldest_first, with_ids=with_ids)
    log.add(120)

    async def story() -> None:
        async with stream(ada) as reader:
            assert await reader.numbers(50) == list(range(70, 120))
            for count in (1, 3, 150):
                before = len(log.events)
                log.add(count)
                assert await reader.numbers(count) == list(range(before, before + count))

    run(story)


def test_a_frame_is_the_event_untouched_with_an_id(ada: Caller, flow_id: str, log: EventLog) -> None:
    log.add(1)
    log.events[0]["payload"] = {"text": "line\nbreak\r\u2028 und ä", "n": 1}

    async def story() -> None:
        async with stream(ada) as reader:
            assert await reader.frame() == {"id": "evt_0", "data": log.events[0]}

    run(story)


@pytest.mark.parametrize(("query", "first"), [("&limit=2", [8, 9]), ("&limit=0", [])])
def test_how_much_of_before_it_begins_with_can_be_said(
    ada: Caller, flow_id: str, log: EventLog, query: str, first: list[int]
) -> None:
    log.add(10)

    async def story() -> None:
        async with stream(ada, query) as reader:
            assert await reader.numbers(len(first)) == first
            log.add(1)
            assert await reader.numbers(1) == [10]

    run(story)


def test_who_joins_later_begins_as_far_back_as_they_ask(ada: Caller, vera: Caller, flow_id: str, log: EventLog) -> None:
    opened(flow_id, vera, "usr_vera")
    log.add(420)

    async def story() -> None:
        async with stream(ada, "&limit=5") as first, stream(vera, "&limit=400") as second:
            assert await first.numbers(5) == list(range(415, 420))
            assert await second.numbers(400) == list(range(20, 420))
            log.add(1)
            assert [await reader.numbers(1) for reader in (first, second)] == [[420], [420]]

    run(story)


def test_a_core_that_had_no_events_yet_loses_none_of_its_first_ones(ada: Caller, flow_id: str, log: EventLog) -> None:
    """Also when there are more at once than a page holds."""

    async def story() -> None:
        async with stream(ada) as reader:
            log.add(350)
            assert await reader.numbers(350) == list(range(350))

    run(story)


class TestResuming:
    def test_it_goes_on_behind_the_last_event_that_was_seen(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        log.add(450)

        async def story() -> None:
            async with stream(ada, Last_Event_ID="evt_7") as reader:
                assert await reader.numbers(442) == list(range(8, 450))
            async with stream(ada, "&last_event_id=evt_448") as reader:
                assert await reader.numbers(1) == [449]

        run(story)

    def test_nothing_is_lost_or_told_twice_over_many_breaks(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        log.add(5)
        seen: list[int] = []

        async def story() -> None:
            last = "evt_0"
            for _ in range(10):
                log.add(7)
                async with stream(ada, Last_Event_ID=last) as reader:
                    for _ in range(5):
                        frame = await reader.frame()
                        seen.append(frame["data"]["payload"]["n"])
                        last = frame["id"]

        run(story)
        assert seen == list(range(1, 51))

    def test_who_joins_later_is_caught_up_from_further_back_than_the_others(
        self, ada: Caller, vera: Caller, flow_id: str, log: EventLog
    ) -> None:
        opened(flow_id, vera, "usr_vera")
        log.add(400)

        async def story() -> None:
            async with stream(ada) as first, stream(vera, Last_Event_ID="evt_3") as second:
                assert await first.numbers(50) == list(range(350, 400))
                assert await second.numbers(396) == list(range(4, 400))
                log.add(2)
                assert await second.numbers(2) == [400, 401]
                assert await first.numbers(2) == [400, 401]

        run(story)

    def test_what_happens_between_ones_own_first_reading_and_ones_joining_is_not_lost(
        self, ada: Caller, vera: Caller, flow_id: str, scaigrid: Service, log: EventLog
    ) -> None:
        """The others are told of it meanwhile, so for them it is not new any more."""
        opened(flow_id, vera, "usr_vera")
        log.add(400)
        polled = threading.Event()

        def answer(asked: Asked) -> Told:
            told = log.answer(asked)
            if vera.token in asked.headers["Authorization"] and not polled.is_set():
                log.add(1)
                begun = log.tokens.count(str(ada.token))
                while log.tokens.count(str(ada.token)) < begun + 3:
                    BREATH.wait(0.01)
                polled.set()
            return told

        async def story() -> None:
            async with stream(ada) as first:
                assert await first.numbers(50) == list(range(350, 400))
                scaigrid.on("GET", ROAD, answer)
                async with stream(vera, Last_Event_ID="evt_3") as second:
                    assert await second.numbers(397) == list(range(4, 401))
                    log.add(1)
                    assert await second.numbers(1) == [401]
                assert await first.numbers(2) == [400, 401]

        run(story)

    def test_what_is_too_far_back_is_told_as_a_gap(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        log.add(30)

        async def story() -> None:
            async with stream(ada, "&limit=3", Last_Event_ID="evt_of_another_log") as reader:
                assert (await reader.frame())["event"] == "gap"
                assert await reader.numbers(3) == [27, 28, 29]

        run(story)


class TestOnePoll:
    def test_watchers_share_it_and_each_ones_token_has_its_turn(
        self, ada: Caller, sign_in: SignIn, flow_id: str, log: EventLog
    ) -> None:
        guests = [opened(flow_id, sign_in(f"usr_{n}", scope="scaicore:view"), f"usr_{n}") for n in range(4)]

        async def story() -> None:
            async with (
                stream(guests[0]) as a, stream(guests[1]) as b, stream(guests[2]) as c, stream(guests[3]) as d,
            ):  # fmt: skip
                readers = (a, b, c, d)
                log.add(1)
                assert [await reader.numbers(1) for reader in readers] == [[0]] * 4
                begun = len(log.tokens)
                await until(lambda: len(log.tokens) >= begun + 12)
                polls = log.tokens[begun : begun + 12]
                assert polls[:4] == polls[4:8] == polls[8:12]
                assert set(polls) == {guest.token for guest in guests}

        run(story)

    def test_it_is_one_call_an_interval_however_many_watch(
        self, ada: Caller, flow_id: str, log: EventLog, settings: Any
    ) -> None:
        settings.EVENT_POLL_SECONDS = 0.2

        async def story() -> None:
            async with stream(ada), stream(ada), stream(ada), stream(ada) as last:
                started, begun = time.monotonic(), len(log.tokens)
                await until(lambda: len(log.tokens) >= begun + 3)
                assert time.monotonic() - started > 0.35
                log.add(1)
                assert await last.numbers(1) == [0]

        run(story)

    def test_it_ends_with_the_last_watcher(self, ada: Caller, vera: Caller, flow_id: str, log: EventLog) -> None:
        opened(flow_id, vera, "usr_vera")

        async def story() -> None:
            async with stream(ada) as reader:
                log.add(1)
                assert await reader.numbers(1) == [0]
                async with stream(vera) as other:
                    assert await other.numbers(1) == [0]
                left = len(log.tokens)
                await until(lambda: len(log.tokens) > left + 5)
                assert vera.token not in log.tokens[left + 2 :]  # her token left with her, but for a call on its way
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            if rest:
                await asyncio.wait(rest, timeout=5)
            assert [task for task in rest if not task.done()] == []

        run(story)

    def test_it_begins_again_with_the_next_watcher(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        async def story() -> None:
            for n in range(3):
                async with stream(ada, "&limit=0") as reader:
                    log.add(1)
                    assert await reader.numbers(1) == [n]

        run(story)

    def test_cores_have_polls_of_their_own(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        Deployment.objects.create(flow_id=flow_id, core_id="core_2", flow_version="1.0.0", status="deployed")

        async def story() -> None:
            async with stream(ada) as one, stream(ada, "&core_id=core_2") as other:
                log.add(1)
                assert await one.numbers(1) == await other.numbers(1) == [0]

        run(story)
        assert {asked.query.partition("&")[0] for asked in log.service.asked} == {"core_id=core_1", "core_id=core_2"}


class TestWhoMayNot:
    @pytest.mark.parametrize(
        ("answer", "status", "error"),
        [
            (Told(403, {"error": {"code": "denied", "message": "no"}}), 502, "scaicore_auth"),
            (Told(404, {"error": {"code": "NOT_FOUND", "message": "no"}}), 502, "scaicore_api"),
            (Told(500, {}), 502, "scaicore_api"),
            (Told(200, b"<html>"), 502, "scaicore_api"),
        ],
    )
    def test_whom_scaicore_refuses_gets_a_status_and_no_stream(
        self, ada: Caller, flow_id: str, log: EventLog, answer: Told, status: int, error: str
    ) -> None:
        log.refused[str(ada.token)] = answer
        refused = ada.get(STREAM)
        assert (refused.status_code, refused.json()["detail"]["error"]) == (status, error)

    def test_a_limited_rate_is_passed_on_unchanged(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        log.refused[str(ada.token)] = Told(429, b"slow", {"Retry-After": "2"})
        told = ada.get(STREAM)
        assert (told.status_code, told.content, told["Retry-After"]) == (429, b"slow", "2")

    def test_a_wsgi_server_says_that_it_has_no_streams(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        refused = ada.get(STREAM)
        assert refused.status_code == 503
        assert "ASGI" in refused.json()["detail"]["message"]

    def test_nobody_is_served_by_somebody_elses_token(
        self, ada: Caller, vera: Caller, flow_id: str, log: EventLog
    ) -> None:
        """Vera may see the flow here, but ScaiCore does not let her: Ada's open stream must not help her in."""
        opened(flow_id, vera, "usr_vera")
        log.refused[str(vera.token)] = Told(403, {"error": {"code": "denied", "message": "no"}})

        async def story() -> None:
            async with stream(ada) as reader:
                answer = await AsyncClient().get(STREAM, headers={"Authorization": f"Bearer {vera.token}"})
                assert answer.status_code == 502
                log.add(1)
                assert await reader.numbers(1) == [0]

        run(story)

    def test_whom_scaicore_refuses_later_goes_alone(
        self, ada: Caller, vera: Caller, flow_id: str, log: EventLog
    ) -> None:
        opened(flow_id, vera, "usr_vera")

        async def story() -> None:
            async with stream(ada) as reader, stream(vera) as other:
                log.refused[str(vera.token)] = Told(403, {"error": {"code": "denied", "message": "no"}})
                assert (await other.last())["error"] == "scaicore_auth"
                log.add(1)
                assert await reader.numbers(1) == [0]

        run(story)


class TestWhileItRuns:
    @pytest.fixture(autouse=True)
    def watchful(self, settings: Any) -> None:
        settings.EVENT_RECHECK_SECONDS = 0.05

    def test_it_ends_when_the_access_is_taken(self, vera: Caller, flow_id: str, log: EventLog) -> None:
        opened(flow_id, vera, "usr_vera")

        async def story() -> None:
            async with stream(vera) as reader:
                log.add(1)
                assert await reader.numbers(1) == [0]
                await sync_to_async(FlowACL.objects.all().delete)()
                assert await reader.last() == {"error": "no_access", "message": "Core not found"}

        run(story)

    def test_it_ends_when_the_token_expires(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        async def story() -> None:
            async with stream(ada) as reader:
                log.add(1)
                assert await reader.numbers(1) == [0]
                with time_machine.travel(timezone.now() + timedelta(hours=1)):
                    assert await reader.last() == {
                        "error": "unauthenticated",
                        "message": "the access token has expired",
                    }

        run(story)

    def test_it_ends_when_the_account_is_shut_out(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        async def story() -> None:
            async with stream(ada) as reader:
                shut = {"tenant_id": "tnt_demo", "status": "SUSPENDED"}
                await sync_to_async(User.objects.update_or_create)(id="usr_ada", defaults=shut)
                assert (await reader.last())["error"] == "unauthenticated"

        run(story)

    def test_it_ends_when_the_tenants_key_is_another(
        self, ada: Caller, tara: Caller, flow_id: str, log: EventLog, settings: Any
    ) -> None:
        settings.DEPLOY_AUTH = "api_key"
        road = "/api/v1/tenants/me/scaigrid_credentials"
        tara.post(road, {"api_key": "sgk_the_first_one"})

        async def story() -> None:
            async with stream(ada) as reader:
                await sync_to_async(tara.post)(road, {"api_key": "sgk_the_second_one"})
                assert "credential" in (await reader.last())["message"]

        run(story)

    def test_it_ends_when_the_core_is_gone(self, ada: Caller, vera: Caller, flow_id: str, log: EventLog) -> None:
        opened(flow_id, vera, "usr_vera")

        async def story() -> None:
            async with stream(ada) as one, stream(vera) as other:
                log.service.on("GET", "/v1/modules/scaicore/events", Told(404, {"error": {"code": "NOT_FOUND"}}))
                for reader in (one, other):
                    told = await reader.last()
                    assert (told["error"], told["status"], told["code"]) == ("scaicore_api", 404, "NOT_FOUND")

        run(story)

    @pytest.mark.parametrize("trouble", [Told(500, {}), Told(429, b"", {"Retry-After": "0"}), Told(200, b"<html>")])
    def test_trouble_upstream_is_waited_out(self, ada: Caller, flow_id: str, log: EventLog, trouble: Told) -> None:
        async def story() -> None:
            async with stream(ada) as reader:
                log.refused[str(ada.token)] = trouble
                await until(lambda: log.refusals > 2)
                log.refused.clear()
                log.add(2)
                assert await reader.numbers(2) == [0, 1]

        run(story)

    @pytest.mark.parametrize(("trouble", "status"), [(Told(500, {}), 500), (Told(200, b"<html>"), None)])
    def test_trouble_that_does_not_end_is_told(
        self, ada: Caller, flow_id: str, log: EventLog, settings: Any, trouble: Told, status: int | None
    ) -> None:
        settings.EVENT_POLL_SECONDS = 0.005

        async def story() -> None:
            async with stream(ada) as reader:
                log.refused[str(ada.token)] = trouble
                told = await reader.last()
                assert (told["error"], told["status"]) == ("scaicore_api", status)

        run(story)

    def test_a_limited_rate_is_kept_to(self, ada: Caller, flow_id: str, log: EventLog) -> None:
        async def story() -> None:
            async with stream(ada) as reader:
                begun = time.monotonic()
                log.refused[str(ada.token)] = Told(429, b"", {"Retry-After": "1"})
                await until(lambda: log.refusals > 0)
                log.refused.clear()
                log.add(1)
                assert await reader.numbers(1) == [0]
                assert time.monotonic() - begun > 1
            assert log.refusals == 1

        run(story)


def test_a_quiet_stream_gives_a_sign_of_life(ada: Caller, flow_id: str, log: EventLog, settings: Any) -> None:
    settings.EVENT_HEARTBEAT_SECONDS = 0.05

    async def story() -> None:
        async with stream(ada) as reader:
            assert await reader.frame() == {"comment": ": still here"}

    run(story)


def test_who_does_not_read_is_let_go_and_can_come_back(ada: Caller, flow_id: str, log: EventLog) -> None:
    async def story() -> None:
        async with stream(ada) as reader:
            log.add(1)
            last = await reader.frame()
            for _ in range(12):  # nobody reads meanwhile
                log.add(100)
                polls = len(log.tokens)
                await until(lambda polls=polls: len(log.tokens) > polls + 1 or not _polls())
            seen = 0
            while (frame := await reader.frame()).get("event") != "end":
                last, seen = frame, seen + 1
            assert frame["data"]["error"] == "too_slow"
            assert seen <= MOST_WAITING
        async with stream(ada, Last_Event_ID=last["id"]) as reader:
            following = last["data"]["payload"]["n"] + 1
            assert await reader.numbers(3) == list(range(following, following + 3))

    run(story)


def test_large_events_that_wait_are_bounded_by_their_size(ada: Caller, flow_id: str, log: EventLog) -> None:
    async def story() -> None:
        async with stream(ada, "&limit=0") as reader:
            await until(lambda: len(log.tokens) > 1)
            log.add(14, text="x" * 700_000)
            polls = len(log.tokens)
            await until(lambda: len(log.tokens) > polls + 1 or not _polls())
            assert (await reader.last())["error"] in {"too_slow", "renew"}
        async with stream(ada, Last_Event_ID="evt_11") as reader:
            assert await reader.numbers(2) == [12, 13]

    run(story)


def _polls() -> bool:
    return any("poll" in repr(task) for task in asyncio.all_tasks())


def test_a_stream_that_has_told_enough_is_renewed(ada: Caller, flow_id: str, log: EventLog) -> None:
    """A server may keep without limit what its peer does not take, so no stream tells more than 8 MiB."""

    async def story() -> None:
        async with stream(ada, "&limit=0") as reader:
            log.add(12, text="x" * 800_000)
            assert (await reader.last())["error"] == "renew"

    run(story)


def test_a_developer_without_sign_in_has_streams_too(
    scaikey: ScaiKey, ada: Caller, flow_id: str, log: EventLog, settings: Any
) -> None:
    settings.AUTH_DISABLED, settings.SCAIGRID_API_KEY, settings.EVENT_RECHECK_SECONDS = True, "sgk_development", 0.02

    async def story() -> None:
        async with stream(ada) as reader:
            log.add(1)
            assert await reader.numbers(1) == [0]
            polls = len(log.tokens)
            await until(lambda: len(log.tokens) > polls + 5)
            log.add(1)
            assert await reader.numbers(1) == [1]

    run(story)
    assert set(log.tokens) == {"sgk_development"}
