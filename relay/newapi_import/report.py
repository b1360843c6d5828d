"""The report for the operator: counts, sums on both sides, what to look at. Never a key."""

from collections.abc import Iterator

from common import money, site
from relay.newapi_import.plan import Plan
from relay.newapi_import.tally import Findings, Money, Tally, to_micro

SHOWN = 10


def lines(plan: Plan, *, total: int, prices: str, shown: int | None = SHOWN) -> Iterator[str]:
    """`total` is what the imported wallets hold; `shown` is how many rows of a finding are listed,
    None for all of them."""
    product = "new-api" if plan.source.is_newapi else "one-api"
    yield f"{plan.source.place}, {product}"
    yield ""
    yield f"{'':10}{'there':>10}{'imported':>10}{'here':>10}{'skipped':>10}{'deleted':>10}"
    yield _row("users", plan.users.tally)
    yield _row("keys", plan.keys.tally)
    yield _row("channels", plan.channels.tally) if plan.channels else "channels  left out"
    yield ""
    yield from _money(plan.users.money, total)
    yield ""
    yield f"prices    {'left out' if plan.choices.skip_prices else prices}"
    if plan.prices:
        yield f"          {plan.prices.own} set there, {plan.prices.built_in} built in there"
    yield from _findings(plan.findings, shown)


def _row(name: str, tally: Tally) -> str:
    figures = (tally.there, tally.imported, tally.here_already, tally.skipped, tally.deleted)
    return f"{name:10}" + "".join(f"{figure:>10,}" for figure in figures)


def _money(sums: Money, total: int) -> Iterator[str]:
    """In quota, and in units of the currency."""
    yield f"{'money':10}{'quota there':>24}{site.value('currency'):>24}"
    for name, quota in (
        ("all users", sums.there),
        ("skipped", sums.skipped),
        ("here", sums.here_already),
        ("imported", sums.imported),
    ):
        yield f"{name:10}{quota:>24,}{money.text(to_micro(quota, sums.per_unit)):>24}"
    yield f"{'wallets':10}{'':>24}{money.text(total):>24}"
    if rounding := sums.rounding:
        yield f"          rounding: {float(rounding):+.3f} millionths"


def _findings(findings: Findings, shown: int | None) -> Iterator[str]:
    if findings.rows:
        yield ""
        yield "findings"
    for what, rows in sorted(findings.rows.items()):
        yield f"{len(rows):>8,}  {what}"
        yield f"{'':10}{', '.join(rows[:shown])}" + (
            f" and {len(rows) - shown:,} more" if shown and len(rows) > shown else ""
        )
