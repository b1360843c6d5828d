"""What an action costs: the line of the price book in force that fits best."""

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from threading import Lock
from typing import NamedTuple

from billing.errors import PriceMissing
from billing.models import PriceBook
from common import patterns, sql
from common.patterns import Patterns

MODES = patterns.MODES


class Buyer(NamedTuple):
    """Whose prices: the tenant, the group that the key uses, and the tenant's own group."""

    tenant_id: int
    group_id: int
    home_id: int


class Quote(NamedTuple):
    """A price: micro-units, the rule it comes from, and what is bought."""

    amount: int
    rule_id: int
    name: str
    mode: str


class Line(NamedTuple):
    """A price rule: micro-units before any ratio."""

    amount: int
    rule_id: int


# (pattern, mode or "", line), as Patterns takes them.
Lines = list[tuple[str, str, Line]]


@dataclass(frozen=True)
class Prices:
    """The lines of one price book, ready to be asked."""

    by_tenant: dict[int, Patterns[Line]] = field(default_factory=dict)
    by_group: dict[int, Patterns[Line]] = field(default_factory=dict)
    for_all: Patterns[Line] = field(default_factory=Patterns)
    # (group, home) for what only the tenants of that home pay, (group, None) for the others.
    ratios: dict[tuple[int, int | None], Decimal] = field(default_factory=dict)

    def quote(self, *, names: Sequence[str], mode: str, buyer: Buyer) -> Quote:
        """The price of the first of `names` in `mode`; the others are what it is called too.

        Raises PriceMissing.
        """
        own = (self.by_tenant.get(buyer.tenant_id), self.by_group.get(buyer.group_id))
        for lines in filter(None, own):
            if line := lines.find(names, mode):
                return Quote(line.amount, line.rule_id, names[0], mode)
        if line := self.for_all.find(names, mode):
            amount = multiplied(line.amount, self.ratio(buyer))
            return Quote(amount, line.rule_id, names[0], mode)
        raise PriceMissing(names[0])

    def by_mode(self, *, names: Sequence[str], buyer: Buyer) -> dict[str, int]:
        """The price in each mode that has one, micro-units. An upstream may end in another mode
        than it was asked for, and then the cheaper price counts."""
        prices = {}
        for mode in MODES:
            with suppress(PriceMissing):
                prices[mode] = self.quote(names=names, mode=mode, buyer=buyer).amount
        return prices

    def ratio(self, buyer: Buyer) -> Decimal:
        general = self.ratios.get((buyer.group_id, None), Decimal(1))
        return self.ratios.get((buyer.group_id, buyer.home_id), general)


class _Known(NamedTuple):
    """The book in force, and until when (time.monotonic()) there is no other."""

    generation: int
    prices: Prices
    until: float


_known = _Known(generation=-1, prices=Prices(), until=0)
_lock = Lock()


def multiplied(amount: int, ratio: Decimal) -> int:
    """Exact, then rounded half up, once: at most 16 digits times at most 12 are not more than
    the 28 that a Decimal keeps."""
    return int((amount * ratio).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def in_force(generation: int) -> Prices:
    """The prices that count now. Whoever asks several questions about one purchase asks them of
    the same Prices.

    `generation` is the caller's (billing/tokens.py): the book in this process is read anew when
    it is older, or when the time of the next one has come.
    """
    global _known
    if not _is_known(generation):
        with _lock:
            if not _is_known(generation):
                _known = _read(max(generation, _known.generation))
    return _known.prices


def read(book: PriceBook | None) -> Prices:
    """The lines of a book, of a draft too."""
    if book is None:
        return Prices()
    tenants: dict[int, Lines] = defaultdict(list)
    groups: dict[int, Lines] = defaultdict(list)
    for_all: Lines = []
    for rule in book.rules.all():
        lines = for_all
        if rule.tenant_id is not None:
            lines = tenants[rule.tenant_id]
        elif rule.group_id is not None:
            lines = groups[rule.group_id]
        lines.append((rule.name, rule.mode, Line(rule.amount, rule.pk)))
    return Prices(
        by_tenant={tenant: Patterns(lines) for tenant, lines in tenants.items()},
        by_group={group: Patterns(lines) for group, lines in groups.items()},
        for_all=Patterns(for_all),
        ratios={(row.group_id, row.home_id): row.ratio for row in book.ratios.all()},
    )


def _is_known(generation: int) -> bool:
    return generation <= _known.generation and time.monotonic() < _known.until


def _read(generation: int) -> _Known:
    """One moment of one clock decides about both books: none falls in between."""
    now = sql.fetch_one("SELECT clock_timestamp() AS now").now
    book = PriceBook.objects.in_force(now)
    upcoming = PriceBook.objects.upcoming(now).order_by("effective_at").first()
    until = float("inf")
    if upcoming is not None and upcoming.effective_at is not None:
        until = time.monotonic() + (upcoming.effective_at - now).total_seconds()
    return _Known(generation=generation, prices=read(book), until=until)
