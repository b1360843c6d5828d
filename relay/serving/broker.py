"""The broker between beat and workers, Redis or RabbitMQ: what it is told, how full it is.

It only carries messages that say "look now"; what is due stands in PostgreSQL. So its messages are
not worth a disk, and nobody wants an old one.
"""

from typing import Any

from celery import Celery, Task
from kombu.exceptions import OperationalError

from common.deadline import deadline

QUEUES = ("poll", "deliver", "default")
# An old message does no harm, since every job finds out whether its work is still to be done, and
# the next tick brings the same work again; so this only bounds what piles up while there is no
# worker. Workers compare the sender's clock with their own, and two machines may be minutes apart:
# were it short, all would stand still.
MESSAGE_SECONDS = 600
# A worker that RabbitMQ has not heard for twice as long is gone, and the other way round.
HEARTBEAT_SECONDS = 10
# A question about the queues waits no longer.
ANSWER_SECONDS = 1.0

# A broker that hangs must not hang us.
_REDIS = {"socket_timeout": 5, "socket_connect_timeout": 2, "visibility_timeout": 120}
# As many jobs as a worker has may have something to say to it at the same time; the library's ten
# are too few, and the eleventh would fail.
REDIS_CONNECTIONS = 500
# What cannot be written is an error after so many seconds.
_RABBITMQ = {"write_timeout": 5}

# For both. A message stays with the broker until its job is done, so that one whose worker dies
# is done by another; it is kept in memory only.
SETTINGS = {
    "task_default_queue": "default",
    "task_default_delivery_mode": "transient",
    "task_ignore_result": True,
    "task_acks_late": True,
    "worker_prefetch_multiplier": 1,
    # Nobody remote-controls the workers, and without it they stop a second sooner.
    "worker_enable_remote_control": False,
    "broker_connection_retry_on_startup": True,
    # However long it is gone.
    "broker_connection_max_retries": None,
    "broker_heartbeat": HEARTBEAT_SECONDS,
}


class Job(Task):  # type: ignore[misc]
    """A message that nobody has taken in time is thrown away: by the worker that gets it and, at
    RabbitMQ, by the queue itself."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return super().apply_async(args, kwargs, **{"expires": MESSAGE_SECONDS} | options)


def is_redis(url: str) -> bool:
    return url.startswith(("redis://", "rediss://", "redis+socket://", "sentinel://"))


def transport_options(url: str) -> dict[str, Any]:
    return _REDIS | {"max_connections": REDIS_CONNECTIONS} if is_redis(url) else _RABBITMQ


def lengths(app: Celery) -> dict[str, int] | None:
    """How many messages wait in each queue; None when the broker does not answer in time."""
    times = _REDIS if is_redis(app.conf.broker_url) else _RABBITMQ
    options = {name: min(value, ANSWER_SECONDS) for name, value in times.items()}
    connection: Any = app.connection_for_read(
        connect_timeout=ANSWER_SECONDS, transport_options=options
    )
    try:
        with deadline(ANSWER_SECONDS * 2), connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=ANSWER_SECONDS)
            return {queue: _length(connection, queue) for queue in QUEUES}
    except (OSError, OperationalError, *connection.connection_errors):
        return None


def length(channel: Any, queue: str) -> int:
    """How many messages wait in a queue; 0 when it does not exist: in Redis an empty list is no
    list. RabbitMQ closes the channel then."""
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except channel.connection.channel_errors:
        return 0


def _length(connection: Any, queue: str) -> int:
    with connection.channel() as channel:
        return length(channel, queue)
