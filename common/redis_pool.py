"""This process's connections to Redis, for questions that a request waits for."""

from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECTIONS = 64
# Whoever asks has another way when no answer comes; he must not wait long for it.
ANSWER_SECONDS = 0.5


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """Made at its first use: after gevent has patched the sockets, and after the fork."""
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=CONNECTIONS,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return redis.Redis(connection_pool=pool)
