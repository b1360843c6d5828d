"""What is stored already of the tasks that are followed, for all workers together.

Most looks bring nothing new. A row that is the same as at the last look, of a task that has not
changed since, needs no comparison: it is known by its digest. The digests are in Redis; where they
are lost, or it does not answer, one compares once more and comes to the same.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import redis

from common import redis_pool

logger = logging.getLogger(__name__)

# Of what has ended nobody asks again.
KEPT_SECONDS = 3600
DIGEST_BYTES = 8
_KEY = "relay:stored:{}"


def digest(sequence: int, row: dict[str, Any]) -> bytes | None:
    """Of what an upstream says about a task that is stored in that sequence; None of what is nested
    too deeply."""
    try:
        found = hashlib.blake2b(orjson.dumps(row), digest_size=DIGEST_BYTES)
    except orjson.JSONEncodeError:
        return None
    found.update(b"%d" % sequence)
    return found.digest()


def recall(task_ids: Sequence[int]) -> dict[int, bytes]:
    """The digests of those of which one is known."""
    try:
        found: list[Any] = redis_pool.client().mget([_KEY.format(each) for each in task_ids])
    except redis.RedisError as error:
        logger.warning("what is known of %s tasks cannot be read: %s", len(task_ids), error)
        return {}
    return {task_id: word for task_id, word in zip(task_ids, found, strict=True) if word}


def remember(digests: Mapping[int, bytes]) -> None:
    """All that was said of these tasks is stored."""
    if not digests:
        return
    try:
        with redis_pool.client().pipeline(transaction=False) as pipeline:
            for task_id, word in digests.items():
                pipeline.set(_KEY.format(task_id), word, ex=KEPT_SECONDS)
            pipeline.execute()
    except redis.RedisError as error:
        logger.warning("what is known of %s tasks cannot be kept: %s", len(digests), error)
