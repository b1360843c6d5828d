"""One signed POST to an address that a stranger chose."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import gevent
import requests
from django.conf import settings
from gevent import monkey

from billing.tenants import WEBHOOK_SECRET_PREFIX
from common import guard, retry_after, site, sql
from common.deadline import deadline

ANSWER_MAX_BYTES = 2048
# "Not so much", and a door that has nobody behind it (standard-webhooks specification,
# "Delivery, retries").
THROTTLES = (429, 502, 504)
GONE = 410
# More than the messages of a few tenants that are on their way at the same time.
RESOLVER_THREADS = 200


class Delivery(NamedTuple):
    """How one try ended. `status_code` is None when no answer came; with `is_hopeless` none ever
    will from that address. `retry_after`: the seconds that the receiver asks us to wait."""

    status_code: int | None
    answer: str
    milliseconds: int
    is_hopeless: bool = False
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_gone(self) -> bool:
        """It wants to hear nothing any more."""
        return self.status_code == GONE

    @property
    def asks_for_peace(self) -> bool:
        """Whatever else we have for it is to wait, too."""
        return self.status_code in THROTTLES or bool(self.retry_after)


def post(url: str, *, body: str, sign: Callable[[int], dict[str, str]]) -> Delivery:
    """One try. `sign` makes the headers for the time (seconds since 1970)."""
    guarded_session = session()
    sql.release_connection()
    started = time.monotonic()
    status: int | None = None
    is_hopeless = False
    asked: float | None = None
    try:
        with (
            deadline(settings.CALLBACK_TIMEOUT_SECONDS),
            guarded_session.post(
                url,
                data=body.encode(),
                headers=sign(int(time.time())),
                timeout=settings.CALLBACK_TIMEOUT_SECONDS,
                stream=True,
            ) as response,
        ):
            # The receiver has it, even if its answer cannot be read to the end.
            status = response.status_code
            asked = retry_after.seconds(response.headers.get("Retry-After"))
            answer = _beginning(response)
    # A hostile address can make the HTTP library stumble in ways of its own; that is a failed
    # try like any other.
    except Exception as error:  # noqa: BLE001
        is_hopeless = guard.is_hopeless(error)
        said = guard.refusal(error) or f"{type(error).__name__}: {error}"
        answer = said.replace("\x00", "")[:ANSWER_MAX_BYTES]
    milliseconds = round((time.monotonic() - started) * 1000)
    return Delivery(status, answer, milliseconds, is_hopeless, asked)


def signature(
    *, message_id: str, timestamp: int, body: str, secrets: Sequence[str]
) -> dict[str, str]:
    """The headers of a signed message: Standard Webhooks (standard-webhooks specification,
    "Webhook signature scheme"), with one signature for each secret. A secret is "whsec_" and
    base64; raises ValueError for another, and without any."""
    if not secrets:
        raise ValueError("there is no secret to sign with")
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "mj-relay",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(signed, secret) for secret in secrets),
    }


def session() -> requests.Session:
    """One that calls only what callbacks may call now."""
    known = site.values(("callback_ports", "callback_networks"))
    ports, networks = known["callback_ports"], known["callback_networks"]
    return guarded(ports=tuple(ports), allowed=tuple(networks))


# A second one is for those who are at it while the settings change.
@lru_cache(maxsize=2)
def guarded(*, ports: tuple[int, ...], allowed: tuple[str, ...]) -> requests.Session:
    _resolve_many_names()
    return guard.session(guard.Policy(ports=ports, allowed=allowed))


def _resolve_many_names() -> None:
    """Under gevent names are resolved in threads, by default ten. So many name servers that hang
    would be enough to stop every call of this process."""
    if monkey.is_module_patched("socket"):
        pool = gevent.get_hub().threadpool
        pool.maxsize = max(pool.maxsize, RESOLVER_THREADS)


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET_PREFIX))
    mac = hmac.new(key, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def _beginning(response: requests.Response) -> str:
    """As much of the answer as is kept for the tenant to see."""
    raw = b""
    while len(raw) < ANSWER_MAX_BYTES and (chunk := response.raw.read1(ANSWER_MAX_BYTES)):
        raw += chunk
    return raw.decode("utf-8", "replace").replace("\x00", "")[:ANSWER_MAX_BYTES]
