"""Editing a price book before it is published, line by line or all at once.

Every change holds the draft's row until it is committed, as publishing does: a line is in the book
that is published, or refused. (A trigger refuses it too, for whoever does not come through here.)
"""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Now

from billing import money, pricing
from billing.errors import BookRefused, PricesInvalid
from billing.models import Group, GroupRatio, PriceBook, PriceRule, Tenant
from common.price_lines import PriceLine, check_line

# A grid that a person edits has some hundreds.
LINES_MAX = 20_000
RATIO_PLACES = Decimal("0.000001")
RATIO_LIMIT = 1_000_000
ID_LIMIT = 2**63


class Rule(NamedTuple):
    """A price rule to be: micro-units; mode "" for any; for one tenant, one group, or (neither)
    everybody."""

    name: str
    amount: int
    mode: str = ""
    tenant_id: int | None = None
    group_id: int | None = None

    @property
    def key(self) -> tuple[str, str, int | None, int | None]:
        """What it is about: one such line may be in a book."""
        return self.name, self.mode, self.tenant_id, self.group_id


class Ratio(NamedTuple):
    """A group's ratio to be; with a `home` for tenants of that group only."""

    group_id: int
    ratio: Decimal
    home_id: int | None = None

    @property
    def key(self) -> tuple[int, int | None]:
        return self.group_id, self.home_id


@transaction.atomic
def set_rule(draft: PriceBook, rule: Rule) -> PriceRule:
    """Adds a line, or gives the line about the same its new amount.

    Raises PricesInvalid, BookRefused.
    """
    lock(draft)
    check_rules([rule])
    line = PriceRule(book_id=draft.pk, **rule._asdict())
    PriceRule.objects.bulk_create(
        [line],
        update_conflicts=True,
        unique_fields=["book", "name", "mode", "tenant", "group"],
        update_fields=["amount"],
    )
    check_number(PriceRule.objects.filter(book_id=draft.pk).count())
    return line


@transaction.atomic
def remove_rule(draft: PriceBook, rule_id: int) -> bool:
    """False when the draft has no such line (any more). Raises BookRefused."""
    lock(draft)
    return bool(PriceRule.objects.filter(book_id=draft.pk, pk=rule_id).delete()[0])


@transaction.atomic
def set_ratio(draft: PriceBook, ratio: Ratio) -> GroupRatio:
    """Adds a group's ratio, or changes it. Raises PricesInvalid, BookRefused."""
    lock(draft)
    check_ratios([ratio])
    line = GroupRatio(book_id=draft.pk, **ratio._asdict())
    GroupRatio.objects.bulk_create(
        [line],
        update_conflicts=True,
        unique_fields=["book", "group", "home"],
        update_fields=["ratio"],
    )
    check_number(GroupRatio.objects.filter(book_id=draft.pk).count())
    return line


@transaction.atomic
def remove_ratio(draft: PriceBook, ratio_id: int) -> bool:
    """False when the draft has no such line (any more). Raises BookRefused."""
    lock(draft)
    return bool(GroupRatio.objects.filter(book_id=draft.pk, pk=ratio_id).delete()[0])


@transaction.atomic
def replace_rules(draft: PriceBook, rules: Sequence[Rule]) -> None:
    """All rules in one go. Raises PricesInvalid, BookRefused; nothing changes then."""
    lock(draft)
    check_rules(rules)
    PriceRule.objects.filter(book_id=draft.pk).delete()
    PriceRule.objects.bulk_create(PriceRule(book_id=draft.pk, **rule._asdict()) for rule in rules)


@transaction.atomic
def replace_ratios(draft: PriceBook, ratios: Sequence[Ratio]) -> None:
    """All ratios in one go. Raises PricesInvalid, BookRefused; nothing changes then."""
    lock(draft)
    check_ratios(ratios)
    GroupRatio.objects.filter(book_id=draft.pk).delete()
    GroupRatio.objects.bulk_create(
        GroupRatio(book_id=draft.pk, **ratio._asdict()) for ratio in ratios
    )


def rules_of(book: PriceBook) -> list[Rule]:
    """Its rules as replace_rules takes them."""
    fields = book.rules.order_by("id").values_list(
        "name", "amount", "mode", "tenant_id", "group_id"
    )
    return [Rule(*row) for row in fields]


def ratios_of(book: PriceBook) -> list[Ratio]:
    """Its ratios as replace_ratios takes them."""
    fields = book.ratios.order_by("id").values_list("group_id", "ratio", "home_id")
    return [Ratio(*row) for row in fields]


def lock(draft: PriceBook) -> PriceBook:
    """Until the transaction ends nobody else edits, publishes or deletes it. Its `clock` is the
    database's time. Raises BookRefused when it is published, or gone."""
    books = PriceBook.objects.select_for_update(no_key=True).annotate(clock=Now())
    found = books.filter(pk=draft.pk).first()
    if found is None:
        raise BookRefused(f"{draft} is not there any more")
    if found.published_at is not None:
        raise BookRefused(f"{draft} is published, and does not change any more")
    return found


def check_products(draft: PriceBook) -> None:
    """That no price becomes absurd by its ratio. Raises BookRefused."""
    dearest = max((rule.amount for rule in rules_of(draft) if _is_for_all(rule)), default=0)
    ratio = max((line.ratio for line in ratios_of(draft)), default=Decimal(1))
    if pricing.multiplied(dearest, ratio) > money.LARGEST:
        raise BookRefused(
            f"{money.text(dearest)} times the ratio {ratio.normalize():f} is too large for a price"
        )


def _is_for_all(rule: Rule) -> bool:
    return rule.tenant_id is None and rule.group_id is None


def check_rules(rules: Sequence[Rule]) -> None:
    for rule in rules:
        try:
            check_line(PriceLine(rule.name, rule.mode, rule.amount))
        except ValueError as error:
            raise PricesInvalid(str(error)) from error
        if rule.tenant_id is not None and rule.group_id is not None:
            raise PricesInvalid(f"the price of {rule.name} is for a tenant and for a group")
    check_number(len(rules))
    _check_once([rule.key for rule in rules], "the price of {} in {!r}, tenant {}, group {}")
    _check_tenants({rule.tenant_id for rule in rules})
    _check_groups({rule.group_id for rule in rules})


def check_ratios(ratios: Sequence[Ratio]) -> None:
    for ratio in ratios:
        _check_ratio(ratio.ratio)
    check_number(len(ratios))
    _check_once([ratio.key for ratio in ratios], "the ratio of group {} for home {}")
    _check_groups({ratio.group_id for ratio in ratios} | {ratio.home_id for ratio in ratios})


def _check_ratio(ratio: object) -> None:
    if not isinstance(ratio, Decimal) or not ratio.is_finite():
        raise PricesInvalid("a ratio is a decimal number")
    if ratio < 0:
        raise PricesInvalid("a ratio is not negative")
    if ratio >= RATIO_LIMIT:
        raise PricesInvalid("this is too large for a ratio")
    if ratio != ratio.quantize(RATIO_PLACES):
        raise PricesInvalid("a ratio has at most six decimals")


def check_number(number: int) -> None:
    if number > LINES_MAX:
        raise PricesInvalid(f"a price book has at most {LINES_MAX} lines")


def _check_once(keys: Iterable[tuple[object, ...]], text: str) -> None:
    seen: set[tuple[object, ...]] = set()
    for key in keys:
        if key in seen:
            raise PricesInvalid(text.format(*key) + " stands there twice")
        seen.add(key)


def _check_tenants(ids: Collection[int | None]) -> None:
    wanted = _ids(ids)
    _check_known(
        "tenant", wanted, Tenant.objects.filter(pk__in=wanted).values_list("pk", flat=True)
    )


def _check_groups(ids: Collection[int | None]) -> None:
    wanted = _ids(ids)
    _check_known("group", wanted, Group.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def _check_known(kind: str, wanted: set[int], known: Iterable[int]) -> None:
    for missing in sorted(wanted - set(known)):
        raise PricesInvalid(f"there is no {kind} {missing}")


def _ids(ids: Iterable[int | None]) -> set[int]:
    wanted = {number for number in ids if number is not None}
    for number in wanted:
        # What comes from outside may be anything.
        if type(number) is not int or not 0 < number < ID_LIMIT:
            raise PricesInvalid(f"{number!r} is not the number of a tenant or group")
    return wanted
