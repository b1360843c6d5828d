"""Stripe as its documents describe it: takes Checkout sessions, and sends signed events.

Signed here by hand, so that the product's library is tested against the written protocol.
"""

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import requests

API_KEY = "sk_test_imitation"
WEBHOOK_SECRET = "whsec_imitation"
_numbers = itertools.count(1)


@dataclass
class Stripe:
    url: str = ""
    # By Idempotency-Key, as Stripe answers a repeated request with its first answer.
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    # Answers every order so, as long as it is set.
    failing: int = 0
    # Happens while the asker waits.
    on_ask: Callable[[], object] = lambda: None

    def session(self, number: str) -> dict[str, Any]:
        """What it has for an order of ours."""
        return next(
            session
            for session in self.sessions.values()
            if session["client_reference_id"] == number
        )

    def event(self, number: str, kind: str = "checkout.session.completed", **changes: Any) -> bytes:
        """An event about the order's session, paid as ordered but for the changes."""
        session = self.session(number) | {"payment_status": "paid", "status": "complete"} | changes
        return as_event(kind, session)


def as_event(kind: str, thing: Any) -> bytes:
    event = {"id": f"evt_{next(_numbers)}", "object": "event", "type": kind, "livemode": False}
    return json.dumps(event | {"data": {"object": thing}}).encode()


def signature(body: bytes, *, secret: str = WEBHOOK_SECRET, age_seconds: int = 0) -> str:
    """The Stripe-Signature header: t= and the HMAC-SHA256 of `t.body`."""
    moment = int(time.time()) - age_seconds
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()},v0=older"


def send(webhook: str, body: bytes, header: str | None = None) -> requests.Response:
    headers = {
        "Stripe-Signature": signature(body) if header is None else header,
        "Content-Type": "application/json; charset=utf-8",
    }
    return requests.post(webhook, data=body, headers=headers, timeout=20)


@contextmanager
def stripe_imitation() -> Iterator[Stripe]:
    stripe = Stripe()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(stripe))
    server.daemon_threads = True
    stripe.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_for(stripe: Stripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = dict(parse_qsl(body, strict_parsing=True))
            stripe.asked.append(form)
            stripe.on_ask()
            if stripe.failing:
                self._answer(stripe.failing, {"error": {"message": "account acct_1 is closed"}})
            elif self.headers["Authorization"] != f"Bearer {API_KEY}":
                self._answer(401, {"error": {"message": "Invalid API Key provided"}})
            elif self.path != "/v1/checkout/sessions" or form["mode"] != "payment":
                self._answer(404, {"error": {"message": "Unrecognized request URL"}})
            else:
                self._answer(200, self._session(form))

        def _session(self, form: dict[str, str]) -> dict[str, Any]:
            price = "line_items[0][price_data]"
            number = f"cs_test_{next(_numbers)}"
            session = {
                "id": number,
                "object": "checkout.session",
                "amount_total": int(form[f"{price}[unit_amount]"])
                * int(form["line_items[0][quantity]"]),
                "currency": form[f"{price}[currency]"],
                "client_reference_id": form["client_reference_id"],
                "metadata": {"mj_relay_order": form["metadata[mj_relay_order]"]},
                "payment_status": "unpaid",
                "status": "open",
                "url": f"https://checkout.stripe.example/c/pay/{number}",
            }
            return stripe.sessions.setdefault(self.headers["Idempotency-Key"], session)

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Nothing on the test run's output."""

    return Handler
