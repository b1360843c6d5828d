"""Many lines of a draft changed in one go, by people who may be several: what one of them has not
seen he does not undo."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from django.db import models, transaction

from billing import drafts
from billing.drafts import Ratio, Rule
from billing.errors import BookRefused, LinesOvertaken, PricesInvalid
from billing.models import GroupRatio, PriceBook, PriceRule

RULE_KEY = ("name", "mode", "tenant_id", "group_id")
RATIO_KEY = ("group_id", "home_id")
Key = tuple[Any, ...]
Value = TypeVar("Value", int, Decimal)


class RuleEdit(NamedTuple):
    """`key` as Rule.key; `before`: the amount that was seen, `after`: the one that it shall have,
    micro-units; None for no such line."""

    key: tuple[str, str, int | None, int | None]
    before: int | None
    after: int | None


class RatioEdit(NamedTuple):
    """The same of a ratio; `key` as Ratio.key."""

    key: tuple[int, int | None]
    before: Decimal | None
    after: Decimal | None


@transaction.atomic
def change(
    draft: PriceBook, *, rules: Sequence[RuleEdit] = (), ratios: Sequence[RatioEdit] = ()
) -> None:
    """All of it or nothing. Raises LinesOvertaken when a line is neither as it was seen nor as it
    shall be; PricesInvalid, BookRefused."""
    drafts.lock(draft)
    _check_once(rules, ratios)
    new_rules = [
        Rule(name, edit.after, mode, tenant_id, group_id)
        for edit in rules
        if edit.after is not None
        for name, mode, tenant_id, group_id in [edit.key]
    ]
    new_ratios = [
        Ratio(group_id, edit.after, home_id)
        for edit in ratios
        if edit.after is not None
        for group_id, home_id in [edit.key]
    ]
    drafts.check_rules(new_rules)
    drafts.check_ratios(new_ratios)
    known_rules = {rule.key: rule.amount for rule in drafts.rules_of(draft)}
    known_ratios = {line.key: line.ratio for line in drafts.ratios_of(draft)}
    overtaken = _overtaken(rules, known_rules), _overtaken(ratios, known_ratios)
    if any(overtaken):
        raise LinesOvertaken(*overtaken)
    _store(PriceRule, draft, RULE_KEY, "amount", rules, new_rules)
    _store(GroupRatio, draft, RATIO_KEY, "ratio", ratios, new_ratios)


def digest(book: PriceBook) -> str:
    """The same for the same lines, and for no others."""
    lines = [
        *sorted(map(repr, drafts.rules_of(book))),
        *sorted(map(repr, drafts.ratios_of(book))),
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def demand_unchanged(draft: PriceBook, seen: str) -> None:
    """Until the transaction ends the lines are those with this digest. Raises BookRefused."""
    drafts.lock(draft)
    if digest(draft) != seen:
        raise BookRefused(f"somebody has changed {draft} meanwhile: look at it again")


def _check_once(*edits: Sequence[RuleEdit] | Sequence[RatioEdit]) -> None:
    for group in edits:
        if len({edit.key for edit in group}) != len(group):
            raise PricesInvalid("a line stands there twice")


def _overtaken(edits: Sequence[Any], known: dict[Any, Value]) -> dict[int, Value | None]:
    """Those that are neither as they were seen nor as they shall be, by their place."""
    return {
        place: known.get(edit.key)
        for place, edit in enumerate(edits)
        if known.get(edit.key) not in (edit.before, edit.after)
    }


def _store(
    kind: type[models.Model],
    draft: PriceBook,
    key: tuple[str, ...],
    value: str,
    edits: Sequence[Any],
    lines: Sequence[Any],
) -> None:
    rows = kind._default_manager.filter(book_id=draft.pk)
    gone = {edit.key for edit in edits if edit.after is None}
    if gone:
        ids = [pk for pk, *found in rows.values_list("pk", *key) if tuple(found) in gone]
        rows.filter(pk__in=ids).delete()
    if lines:
        kind._default_manager.bulk_create(
            [kind(book_id=draft.pk, **line._asdict()) for line in lines],
            update_conflicts=True,
            unique_fields=["book", *(name.removesuffix("_id") for name in key)],
            update_fields=[value],
        )
        drafts.check_number(rows.count())
