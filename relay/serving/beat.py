"""The clock: Celery's own, which remembers in a file when each tick was last, with two differences.

Of several clocks one ticks (relay/serving/turn.py).

Redis keeps a message until somebody takes it. With no worker there, a clock that goes on would fill
its memory, and the next worker would first have to go through a day of old messages.
"""

import logging
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry

from relay.serving import alive, broker
from relay.serving.turn import RENEW_SECONDS, Turn

logger = logging.getLogger(__name__)

# So many may wait in a queue before a tick is left out.
WAITING_MAX = 1000


class Clock(PersistentScheduler):  # type: ignore[misc]
    """Leaves ticks out while nobody takes the messages of the ones before, or another one ticks."""

    _full: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._turn = Turn()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        alive.touch()
        if not self._turn.is_mine():
            return RENEW_SECONDS
        return float(min(super().tick(*args, **kwargs), RENEW_SECONDS))

    def close(self) -> None:
        super().close()
        self._turn.give_back()

    def apply_async(
        self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        queue = self.app.amqp.router.route({}, entry.task)["queue"].name
        if not self._is_full(queue, producer):
            return super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        if advance:
            self.reserve(entry)
        return None

    def _is_full(self, queue: str, producer: Any) -> bool:
        """Said once each time that it changes."""
        is_full = self._waiting(queue, producer) >= WAITING_MAX
        if is_full and queue not in self._full:
            logger.error("nobody takes the messages of queue %s: no more are sent", queue)
        if not is_full and queue in self._full:
            logger.warning("the messages of queue %s are taken again", queue)
        self._full = self._full | {queue} if is_full else self._full - {queue}
        return is_full

    def _waiting(self, queue: str, producer: Any) -> int:
        """RabbitMQ throws old messages away by itself."""
        if producer is None or not broker.is_redis(self.app.conf.broker_url):
            return 0
        try:
            return broker.length(producer.channel, queue)
        # Whoever sends the tick will see the same, and knows what to do.
        except Exception:  # noqa: BLE001
            return 0
