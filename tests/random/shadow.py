"""What is certain whatever else happened, written down while it happens, compared at the end.

Answers get lost when processes are killed, so not everything is known; what is known here is
known for sure: what was booked from outside, what each request was answered, which prices were in
force at a moment.
"""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from threading import Lock
from typing import Any, NamedTuple

# Price name and mode; an empty mode is any.
Prices = dict[tuple[str, str], int]
Ratios = dict[str, Decimal]


class Published(NamedTuple):
    """A price book: in force from some moment between the two on (seconds since 1970)."""

    book: Any
    began: float
    done: float
    prices: Prices
    ratios: Ratios

    def price(self, name: str, mode: str, group: str) -> int:
        """Micro-units, as billing/pricing.py is to find them."""
        amount = self.prices.get((name, mode), self.prices[(name, "")])
        exact = amount * self.ratios.get(group, Decimal(1))
        return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


class Answer(NamedTuple):
    status: int
    content: bytes
    is_replay: bool


@dataclass
class Sent:
    """A submit. Its word is in its prompt and in its state, and nowhere else."""

    word: str
    customer: str
    path: str
    body: dict[str, Any]
    mode: str
    key: Any
    idempotency_key: str = ""
    began: float = field(default_factory=time.time)
    answers: list[Answer] = field(default_factory=list)
    # How often no answer came.
    cut: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def accepted(self) -> set[bytes]:
        return {answer.content for answer in self.answers if answer.status == 200}

    @property
    def is_refused_for_sure(self) -> bool:
        """Each time it was sent an answer came, and it was a no. (409 only tells of a twin.)"""
        return not self.cut and all(answer.status not in (200, 409) for answer in self.answers)


@dataclass
class Shadow:
    problems: list[str] = field(default_factory=list)
    # Micro-units that we have put into each tenant's wallet, or taken out.
    booked: dict[int, int] = field(default_factory=dict)
    topups: dict[str, int] = field(default_factory=dict)
    redeemed: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)
    # The first final state in which a task was seen.
    ends: dict[str, str] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def problem(self, text: str) -> None:
        with self.lock:
            self.problems.append(text)

    def broke(self, what: str, error: Exception) -> None:
        """The test's own thread died: nothing of the product may make it do so."""
        self.problem(f"{what}: {''.join(traceback.format_exception(error))}")

    def book(self, tenant_id: int, amount: int) -> None:
        with self.lock:
            self.booked[tenant_id] = self.booked.get(tenant_id, 0) + amount

    def top_up(self, tenant_id: int, reference: str, amount: int) -> None:
        if reference in self.topups:
            self.problem(f"top-up {reference} was booked twice")
        self.topups[reference] = amount
        self.book(tenant_id, amount)

    def redeem(self, tenant_id: int, code: str, amount: int) -> None:
        if code in self.redeemed:
            self.problem(f"code {code} was redeemed twice")
        self.redeemed[code] = tenant_id
        self.book(tenant_id, amount)

    def refund(self, tenant_id: int, reference: str, amount: int) -> None:
        with self.lock:
            self.refunded[reference] = self.refunded.get(reference, 0) + amount
        self.book(tenant_id, amount)

    def send(self, sent: Sent) -> None:
        with self.lock:
            self.sent[sent.word] = sent

    def with_keys(self) -> list[Sent]:
        """What may be repeated under its Idempotency-Key."""
        with self.lock:
            return [sent for sent in self.sent.values() if sent.idempotency_key]

    def see_end(self, task_id: str, status: str) -> None:
        with self.lock:
            first = self.ends.setdefault(task_id, status)
        if first != status:
            self.problem(f"task {task_id} was {first} and became {status}")

    @contextmanager
    def publishing(self, prices: Prices, ratios: Ratios) -> Iterator[list[Any]]:
        """Around the call that publishes; the book is put into the list."""
        began = time.time()
        books: list[Any] = []
        yield books
        self.published.append(Published(books[0], began, time.time(), prices, ratios))

    def possible_prices(
        self, name: str, mode: str, group: str, *, after: float, before: float
    ) -> set[int]:
        """What it may have cost between two moments."""
        ends = [following.done for following in self.published[1:]] + [float("inf")]
        return {
            published.price(name, mode, group)
            for published, end in zip(self.published, ends, strict=True)
            if published.began <= before and end >= after
        }
