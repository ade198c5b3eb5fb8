"""Who watches which Core, and the one poll behind all watchers of a Core: in this process, and with Redis in all (turns.py).

Every watcher has read the Core's events with its own credential before it gets here, and the poll is made with the
watchers' credentials in turn: nobody is served for longer than a round by a right that is only somebody else's, and a
token is not used once its owner has left. A credential that ScaiCore refuses ends its own watcher's stream alone.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import structlog
from django.conf import settings

from lookups import sse
from lookups.failures import ServiceFailed, failure_of
from lookups.tail import Batch, Event, Fetch, Page, Tail
from lookups.turns import turns_for
from scaiflow.kit.errors import Failure, PassedThrough, Unavailable
from scaiflow.upstream import scaicore
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.operations.credentials import Credential

log = structlog.get_logger(__name__)
T = TypeVar("T")
MOST_WATCHERS, MOST_WAITING, MOST_BYTES = 200, 1000, 8 * 1024 * 1024
PER_PAGE, POLL_READ_SECONDS, LONGEST_PAUSE, MOST_FAILURES = 100, 10.0, 60.0, 7
SERVICE, NEEDS = "scaicore", "scaicore:view"
Key = tuple[asyncio.AbstractEventLoop, str, str, str]
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="events")
_hubs: dict[Key, Hub] = {}


class Watch:
    """One stream. What waits for its reader is bounded: who reads too slowly is told so and comes back later."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self._waiting: deque[sse.Message] = deque()
        self._bytes = 0
        self._something = asyncio.Event()

    def give(self, messages: Iterable[sse.Message]) -> bool:
        """Whether there was room. Where there is none, what waits is followed by the last message."""
        for message in messages:
            if len(self._waiting) >= MOST_WAITING or self._bytes >= MOST_BYTES:
                self.end(sse.end("too_slow", "too many events wait; come back with Last-Event-ID"))
                return False
            self._put(message)
        return True

    def end(self, message: sse.Message) -> None:
        self._put(message)

    def _put(self, message: sse.Message) -> None:
        self._waiting.append(message)
        self._bytes += len(message.text)
        self._something.set()

    async def take(self, seconds: float) -> sse.Message | None:
        """The next message; None when none comes in time."""
        if not self._waiting:
            self._something.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), max(seconds, 0.001))
        if not self._waiting:
            return None
        message = self._waiting.popleft()
        self._bytes -= len(message.text)
        return message


class Hub:
    def __init__(self, key: Key, core_id: str) -> None:
        self.key, self.core_id = key, core_id
        self.tail = Tail()
        self.turns = turns_for(*key[1:])
        self.watches: list[Watch] = []
        self._turn = asyncio.Lock()
        self._poll: asyncio.Task[None] | None = None
        self._deserted = asyncio.Event()

    async def join(self, watch: Watch, first: Page, *, last_id: str | None, limit: int) -> None:
        """`first` is the page that the watcher itself has just read. Raises UpstreamError, Unreachable, PassedThrough."""
        async with self._turn:
            fetch = _behind(first, self.fetch_with(watch.credential))
            await self._read(fetch, until=last_id, least=limit)
            watch.give(await self._catch_up(self.fetch_with(watch.credential), last_id, limit))
            self.watches.append(watch)
        self._deserted.clear()
        _hubs[self.key] = self  # the last one may have left while this one read
        if self._poll is None or self._poll.done():
            self._poll = asyncio.create_task(self._poll_while_watched())
            self._poll.add_done_callback(self._poll_ended)

    async def _catch_up(self, fetch: Fetch, last_id: str | None, limit: int) -> list[sse.Message]:
        """`fetch` begins with a page of now: the one that the watcher came with may lack what was told meanwhile."""
        tail = self.tail
        missed = tail.after(last_id) if last_id else tail.newest(limit)
        if not tail.is_whole and (missed is None or (not last_id and len(missed) < limit)):
            tail = await in_thread(lambda: _deeper(fetch, self.tail, until=last_id, least=limit))
            missed = tail.after(last_id) if last_id else tail.newest(limit)
        if missed is None:
            return [sse.GAP, *map(sse.event, self.tail.newest(limit))]
        return [sse.event(one) for one in missed]

    def leave(self, watch: Watch) -> None:
        """With the last watcher the poll ends."""
        if watch in self.watches:
            self.watches.remove(watch)
        if not self.watches:
            self._deserted.set()
            if _hubs.get(self.key) is self:
                del _hubs[self.key]

    def fetch_with(self, credential: Credential) -> Fetch:
        def fetch(cursor: str | None) -> Page:
            return scaicore.list_events(
                base_url=credential.base_url, token=credential.token, core_id=self.core_id,
                limit=PER_PAGE, cursor=cursor, seconds=POLL_READ_SECONDS,
            )  # fmt: skip

        return fetch

    async def _read(self, fetch: Fetch, *, until: str | None = None, least: int = 0) -> None:
        """What is new, to those who watch here and elsewhere. The first time that is what was before anybody watched."""
        behind, is_first = self.tail.last_id, not self.tail.has_begun
        new = await in_thread(lambda: self.tail.advance(fetch, until=until, least=least))
        self._tell(new)
        if new and not is_first:
            await self.turns.tell(Batch(behind, [one.body for one in new], self.tail.cursor))

    async def _poll_while_watched(self) -> None:
        while self.watches:
            try:
                await self._take_turns()
            finally:
                await self.turns.close()  # meanwhile somebody may come

    async def _take_turns(self) -> None:
        pause = float(settings.EVENT_POLL_SECONDS)
        await self.turns.count(failed=False)  # else nobody could be here
        while self.watches:
            batches = await self.turns.wait(pause, self._deserted)
            async with self._turn:
                self._take_in(batches)
                if self.watches and await self.turns.take():
                    async with self.turns.held():
                        pause = await self._poll_once()
                    await self.turns.give(pause)

    def _take_in(self, batches: list[Batch]) -> None:
        """What was read elsewhere. Behind a gap all that follows has to be read here, so that it comes in its order."""
        for batch in batches:
            new = self.tail.absorb(batch)
            if new is None:
                return self.turns.hurry()
            self._tell(new)
        return None

    def _poll_ended(self, poll: asyncio.Task[None]) -> None:
        """A poll that broke is a bug of ours; nobody shall wait for it."""
        if not poll.cancelled() and (error := poll.exception()):
            log.error("poll broke", core=self.core_id, error=repr(error))
            self._end(Failure("the events cannot be read any more"), self.watches)

    async def _poll_once(self) -> float:
        """With the credential whose turn it is. Returns the seconds until the next time."""
        watch = self.watches.pop(0)
        self.watches.append(watch)
        fetch = self.fetch_with(watch.credential)
        try:
            await self._read(fetch)
        except UpstreamError as error:
            failure = failure_of(SERVICE, error, needs=NEEDS)
            if error.is_auth:
                return self._end(failure, [watch])
            return self._end(failure, self.watches) if error.status == 404 else await self._wait(failure)
        except PassedThrough as limited:
            return await self._wait(None, limited.headers.get("Retry-After"))
        except Unreachable as error:
            return await self._wait(ServiceFailed(SERVICE, str(error), status=None, code=None))
        await self.turns.count(failed=False)
        return float(settings.EVENT_POLL_SECONDS)

    async def _wait(self, failure: Failure | None, retry_after: str | None = None) -> float:
        """Longer after each failure, and as long as ScaiCore asks for. Watchers of a Core that cannot be read for minutes
        are told so, and let go."""
        failures = await self.turns.count(failed=True)
        log.info("events cannot be read", core=self.core_id, failures=failures)
        if failure and failures > MOST_FAILURES:
            return self._end(failure, self.watches)
        asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
        growing = settings.EVENT_POLL_SECONDS * 2.0 ** min(failures, MOST_FAILURES)
        return max(asked, min(growing, LONGEST_PAUSE))

    def _tell(self, new: list[Event]) -> None:
        messages = [sse.event(one) for one in new]
        self.watches = [watch for watch in self.watches if watch.give(messages)]

    def _end(self, failure: Failure, watches: list[Watch]) -> float:
        gone = list(watches)
        self.watches = [watch for watch in self.watches if watch not in gone]
        for watch in gone:
            watch.end(sse.end(failure.error, failure.message, failure.more))
        return float(settings.EVENT_POLL_SECONDS)


@asynccontextmanager
async def watching(
    credential: Credential, *, tenant_id: str, core_id: str, first: Page, last_id: str | None, limit: int
) -> AsyncIterator[Watch]:
    """A watch for as long as the body runs. Raises ServiceFailed, ServiceRefused, PassedThrough, Unavailable."""
    key = (asyncio.get_running_loop(), credential.base_url, tenant_id, core_id)
    hub = _hubs.get(key) or _hubs.setdefault(key, Hub(key, core_id))
    watch = Watch(credential)
    try:
        if len(hub.watches) >= MOST_WATCHERS:
            raise Unavailable("too many streams of this Core are open", component="event streams")
        await hub.join(watch, first, last_id=last_id, limit=limit)
        yield watch
    except UpstreamError as error:
        raise failure_of(SERVICE, error, needs=NEEDS) from None
    except Unreachable as error:
        raise ServiceFailed(SERVICE, str(error), status=None, code=None) from None
    finally:
        hub.leave(watch)


async def in_thread(work: Callable[[], T]) -> T:
    """On threads of our own: a slow ScaiCore must not take those that requests are answered on."""
    return await asyncio.get_running_loop().run_in_executor(_threads, contextvars.copy_context().run, work)


def _behind(first: Page, fetch: Fetch) -> Fetch:
    """`fetch`, whose first page is there already."""
    return lambda cursor: first if cursor is None else fetch(cursor)


def _deeper(fetch: Fetch, shared: Tail, *, until: str | None, least: int) -> Tail:
    """A tail of one's own that goes further back than the shared one, and ends where that ends now."""
    own = Tail()
    own.advance(fetch, until=until, least=least)
    for newest in shared.newest(1):
        own.cut_behind(newest.id)
    return own
