"""The tenants' receiver of callbacks, a program of its own: it can be down.

It checks every signature with the package that tenants would use, and writes down what came in the
order in which it came, before it answers. Now and then it answers late, or 500.

    python -m tests.faults.chaos.receiver PORT SEED SECRETS.json JOURNAL
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

# Shares of the messages, and how long the late ones wait.
REFUSED, LATE = 0.05, 0.05
LATE_SECONDS = 2.5


class Letter(NamedTuple):
    """A line of the journal. `answered` is an HTTP status; 400: the signature was wrong."""

    tenant: str
    task: int
    sequence: int
    status: str
    message_id: str
    answered: int
    at: float


class Receiver:
    def __init__(self, *, seed: str, secrets: dict[str, str], journal: Path) -> None:
        self._hooks = {tenant: Webhook(secret) for tenant, secret in secrets.items()}
        # Without a buffer: a line that was answered for outlives kill -9.
        self._journal = journal.open("ab", buffering=0)
        self._chance = random.Random(seed)

    async def receive(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        body = await request.read()
        answer = self._judge(tenant, request, body)
        task = json.loads(body)
        letter = Letter(
            tenant=tenant,
            task=int(task["id"]),
            sequence=int(request.headers["X-Relay-Sequence"]),
            status=task["status"],
            message_id=request.headers["webhook-id"],
            answered=answer,
            at=time.time(),
        )
        self._journal.write(json.dumps(letter).encode() + b"\n")
        if self._chance.random() < LATE:
            await asyncio.sleep(self._chance.uniform(0, LATE_SECONDS))
        return web.Response(status=answer)

    def _judge(self, tenant: str, request: web.Request, body: bytes) -> int:
        try:
            self._hooks[tenant].verify(body, dict(request.headers))
        except (KeyError, WebhookVerificationError):
            return 400
        return 500 if self._chance.random() < REFUSED else 200


def read(journal: Path) -> list[Letter]:
    """What came, in its order. The last line of a killed receiver may be half a line."""
    letters = []
    for line in journal.read_bytes().splitlines() if journal.exists() else []:
        try:
            letters.append(Letter(*json.loads(line)))
        except ValueError:
            continue
    return letters


def main(port: str, seed: str, secrets: str, journal: str) -> None:
    known: dict[str, Any] = json.loads(Path(secrets).read_text())
    receiver = Receiver(seed=seed, secrets=known, journal=Path(journal))
    app = web.Application()
    app.add_routes([web.post("/{tenant}", receiver.receive)])
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
