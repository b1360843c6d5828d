"""Price books, their differences and previews as lines of text, for the command line."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from django.utils import timezone

from billing.book_diff import Diff
from billing.models import PriceBook, PriceRule
from billing.money import text
from billing.preview import Figures, Preview


def books(found: Iterable[PriceBook], *, in_force: PriceBook | None) -> Iterator[str]:
    yield f"{'book':>6} {'state':10} {'in force from':25} memo"
    for book in found:
        effective = "" if book.effective_at is None else f"{book.effective_at:%Y-%m-%d %H:%M:%S %Z}"
        yield f"{book.pk:6} {_state(book, in_force):10} {effective:25} {book.memo}"


def book(found: PriceBook) -> Iterator[str]:
    yield from rules(found.rules.select_related("tenant", "group").order_by("name", "mode", "id"))
    for line in found.ratios.select_related("group", "home").order_by("group__name", "home__name"):
        yield f"{_ratio_name(line.group.name, line.home.name if line.home else ''):60} {line.ratio}"


def rules(lines: Iterable[PriceRule]) -> Iterator[str]:
    for rule in lines:
        tenant = rule.tenant.name if rule.tenant else ""
        group = rule.group.name if rule.group else ""
        yield f"{_rule_name(rule.name, rule.mode, tenant, group):60} {text(rule.amount)}"


def diff(found: Diff) -> Iterator[str]:
    for rule in found.rules:
        name = _rule_name(rule.name, rule.mode, rule.tenant, rule.group)
        yield f"{name:60} {_money(rule.before)} -> {_money(rule.after)}"
    for ratio in found.ratios:
        name = _ratio_name(ratio.group, ratio.home)
        yield f"{name:60} {_plain(ratio.before)} -> {_plain(ratio.after)}"
    if not found.rules and not found.ratios:
        yield "nothing changes"


def preview(found: Preview) -> Iterator[str]:
    yield f"\n{found.days.first} to {found.days.last}"
    yield f"{'':44} {'number':>9} {'refused':>9} {'earned':>14} {'would earn':>14}"
    for (price_name, mode), figures in found.by_action.items():
        yield _figures(f"{price_name} {mode}", figures)
    for tenant, figures in sorted(found.by_tenant.items()):
        yield _figures(f"tenant {tenant}", figures)
    yield _figures("total", found.total)


def _figures(name: str, figures: Figures) -> str:
    money = f"{text(figures.earned):>14} {text(figures.would_earn):>14}"
    return f"{name:44} {figures.number:9} {figures.refused:9} {money}"


def _state(book: PriceBook, in_force: PriceBook | None) -> str:
    if book.effective_at is None:
        return "draft"
    if book == in_force:
        return "in force"
    return "waiting" if book.effective_at > timezone.now() else "over"


def _rule_name(name: str, mode: str, tenant: str, group: str) -> str:
    scope = f" for tenant {tenant}" if tenant else f" for group {group}" if group else ""
    return f"{name}{' in ' + mode if mode else ''}{scope}"


def _ratio_name(group: str, home: str) -> str:
    return f"ratio of group {group}{' for tenants of group ' + home if home else ''}"


def _money(amount: int | None) -> str:
    return "none" if amount is None else text(amount)


def _plain(ratio: Decimal | None) -> str:
    return "none" if ratio is None else f"{ratio.normalize():f}"
