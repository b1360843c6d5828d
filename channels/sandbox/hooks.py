"""Hook posts: every change of a task, sent to the address its submit named."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web

from .prompts import Word
from .tasks import Task

# midjourney-proxy 2.6 sets no time-out at all and loses a thread to every receiver that hangs.
# The sandbox serves many tests in one life, so it gives up in the end.
POST_SECONDS = 60
RANKS_KEPT = 100_000

LATE_STEPS = 2.5


@dataclass(frozen=True, slots=True)
class HookPost:
    """`body` is JSON as the task was when the post was queued; `late_seconds` holds it back."""

    url: str
    task_id: str
    rank: float
    headers: Mapping[str, str]
    body: bytes
    late_seconds: float = 0.0


class HookPoster:
    """An unbounded queue and a fixed number of senders.

    midjourney-proxy 2.6: a post goes out once, whatever the answer is; a post that ranks lower
    than one already seen for its task is dropped; one of equal rank is sent again. There is no
    signature and no delivery id. Posts may overtake each other on the way.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._queue: asyncio.Queue[HookPost] = asyncio.Queue()
        self._ranks: dict[str, float] = {}

    def tell(
        self,
        task: Task,
        *,
        rank: float,
        headers: Mapping[str, str],
        body: Callable[[], bytes],
    ) -> None:
        """Queue what the task's hook is to hear of its present state, as its words will have it."""
        if task.notify_hook is None or Word.MUTE in task.words or not self._connections:
            return
        if Word.NOEND in task.words and task.ended:
            return
        held_back = Word.JUMBLE in task.words and task.step % 2 == 1
        post = HookPost(
            url=task.notify_hook,
            task_id=task.id,
            rank=rank,
            headers=headers,
            body=body(),
            late_seconds=LATE_STEPS * task.step_seconds if held_back else 0.0,
        )
        for _ in range(2 if Word.TWICE in task.words else 1):
            self._queue.put_nowait(post)

    async def run(self, app: web.Application) -> AsyncIterator[None]:
        """An aiohttp cleanup context: senders live as long as the application."""
        async with ClientSession(
            timeout=ClientTimeout(total=POST_SECONDS),
            skip_auto_headers=("User-Agent",),
            cookie_jar=DummyCookieJar(),
        ) as session:
            senders = [
                asyncio.create_task(self._send_for_ever(session)) for _ in range(self._connections)
            ]
            yield
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def _send_for_ever(self, session: ClientSession) -> None:
        while True:
            post = await self._queue.get()
            if self._overtaken(post):
                continue
            await asyncio.sleep(post.late_seconds)
            try:
                async with session.post(
                    post.url, data=post.body, headers=post.headers, allow_redirects=False
                ) as answer:
                    await answer.read()
            except (ClientError, OSError, ValueError):
                # Nobody hears of it: no second try, as above. TimeoutError is an OSError.
                continue

    def _overtaken(self, post: HookPost) -> bool:
        if post.rank < self._ranks.get(post.task_id, 0.0):
            return True
        # Moved to the end, so that the tasks forgotten first are those silent for longest.
        self._ranks.pop(post.task_id, None)
        self._ranks[post.task_id] = post.rank
        if len(self._ranks) > RANKS_KEPT:
            del self._ranks[next(iter(self._ranks))]
        return False
