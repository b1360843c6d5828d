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
from common.patterns import Patterns

MODES = ("fast", "relax", "turbo")


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
    names: frozenset[str] = frozenset()

    def quote(self, *, names: Sequence[str], mode: str, buyer: Buyer) -> Quote:
        """Raises PriceMissing. Rounded half up, once."""
        own = (self.by_tenant.get(buyer.tenant_id), self.by_group.get(buyer.group_id))
        for lines in filter(None, own):
            if line := lines.find(names, mode):
                return Quote(line.amount, line.rule_id, names[0], mode)
        if line := self.for_all.find(names, mode):
            exact = line.amount * self.ratio(buyer)
            amount = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
            return Quote(amount, line.rule_id, names[0], mode)
        raise PriceMissing(names[0])

    def ratio(self, buyer: Buyer) -> Decimal:
        general = self.ratios.get((buyer.group_id, None), Decimal(1))
        return self.ratios.get((buyer.group_id, buyer.home_id), general)


class _Known(NamedTuple):
    """The book in force, and until when (seconds since 1970) there is no other."""

    generation: int
    prices: Prices
    until: float


_known = _Known(generation=-1, prices=Prices(), until=0)
_lock = Lock()


def quote(*, names: Sequence[str], mode: str, buyer: Buyer, generation: int) -> Quote:
    """The price of the first of `names` in `mode`; the others are what it is called too.

    `generation` is the caller's (billing/tokens.py): the book in this process is read anew when
    it is older, or when the time of the next one has come. Raises PriceMissing.
    """
    return in_force(generation).quote(names=names, mode=mode, buyer=buyer)


def by_mode(*, names: Sequence[str], buyer: Buyer, generation: int) -> dict[str, int]:
    """The price in each mode that has one, micro-units. An upstream may end in another mode than
    it was asked for, and then the cheaper price counts."""
    prices = {}
    for mode in MODES:
        with suppress(PriceMissing):
            prices[mode] = quote(names=names, mode=mode, buyer=buyer, generation=generation).amount
    return prices


def in_force(generation: int) -> Prices:
    global _known
    if _known.generation < generation or _known.until <= time.time():
        with _lock:
            if _known.generation < generation or _known.until <= time.time():
                _known = _read(generation)
    return _known.prices


def read(book: PriceBook | None) -> Prices:
    """The lines of a book, of a draft too."""
    if book is None:
        return Prices()
    tenants: dict[int, Lines] = defaultdict(list)
    groups: dict[int, Lines] = defaultdict(list)
    for_all: Lines = []
    rules = list(book.rules.all())
    for rule in rules:
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
        names=frozenset(rule.name for rule in rules),
    )


def _read(generation: int) -> _Known:
    book = PriceBook.objects.in_force()
    upcoming = PriceBook.objects.upcoming().order_by("effective_at").first()
    until = float("inf")
    if upcoming is not None and upcoming.effective_at is not None:
        until = upcoming.effective_at.timestamp()
    return _Known(generation=generation, prices=read(book), until=until)
