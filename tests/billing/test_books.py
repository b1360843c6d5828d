"""Price books as operators of this family have them, and what is wrong in them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import book_diff, book_files, books, drafts, newapi_prices
from billing.drafts import Ratio, Rule
from billing.errors import BookRefused, PricesInvalid
from billing.models import PriceBook, PriceRule
from billing.newapi_prices import Maps
from tests.accounts import Account
from tests.prices import draft, lines, publish, rule


def test_amounts_are_read_as_decimals() -> None:
    text = '{"mj_imagine": 0.1, "mj_upscale": 0.05, "free": 0, "exact": 0.300001, "whole": 2}'
    assert books.parse(text) == {
        "mj_imagine": 100_000,
        "mj_upscale": 50_000,
        "free": 0,
        "exact": 300_001,
        "whole": 2_000_000,
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1, column 1"),
        ("{", "line 1, column 2"),
        ('{"mj_imagine": 0.1,}', "line 1, column 20"),
        ('{"mj_imagine": 0.1,\n  "mj_upscale" 0.05}', "line 2, column 16"),
        ('{\n\n  "mj_imagine": .1\n}', "line 3, column 17"),
        ("{'mj_imagine': 0.1}", "line 1, column 2"),
        ("[]", "object"),
        ("{}", "object"),
        ("null", "object"),
        ("0.1", "object"),
        ('"mj_imagine"', "object"),
        ('{"mj_imagine": "0.1"}', "mj_imagine is not a number"),
        ('{"mj_imagine": null}', "mj_imagine is not a number"),
        ('{"mj_imagine": true}', "mj_imagine is not a number"),
        ('{"mj_imagine": [0.1]}', "mj_imagine is not a number"),
        ('{"mj_imagine": {"fast": 0.1}}', "mj_imagine is not a number"),
        ('{"mj_imagine": NaN}', "mj_imagine is not a number"),
        ('{"mj_imagine": Infinity}', "mj_imagine is not a number"),
        ('{"mj_imagine": -Infinity}', "mj_imagine is not a number"),
        ('{"mj_imagine": -0.1}', "mj_imagine is negative"),
        ('{"mj_imagine": -1e-9}', "mj_imagine is negative"),
        ('{"mj_imagine": 0.0000001}', "mj_imagine is less than 0.000001"),
        ('{"mj_imagine": 1e99}', "mj_imagine is too large"),
        ('{"mj_imagine": 1e999999}', "mj_imagine is too large"),
        ('{"mj_imagine": 1e999999999999999999999}', "line 1, column 16: this is not a number"),
        ('{"mj_imagine": 0.1,\n"mj_imagine": 0.2}', "line 2, column 1: 'mj_imagine' .* twice"),
        ('{"mj_imagine": 0.1,\n"mj_video": -1}', "line 2, column 13: .*mj_video is negative"),
        ('{"mj*": 1, "*": 2, "m*j": 3}', "line 1, column 27: 'm.j' is not a price name"),
        ('{"": 0.1}', "not a price name"),
        ('{"%s": 0.1}' % ("n" * 65), "not a price name"),
        ('{"mj\\u0000": 0.1}', "not a price name"),
    ],
)
def test_what_is_wrong_in_a_price_book_is_said(text: str, says: str) -> None:
    with pytest.raises(PricesInvalid, match=says):
        books.parse(text)


@pytest.mark.usefixtures("unseen")
def test_a_book_that_cannot_be_read_changes_nothing() -> None:
    before = PriceBook.objects.latest("id")
    with pytest.raises(PricesInvalid):
        books.publish_json('{"mj_imagine": -1}')
    assert PriceBook.objects.latest("id") == before


@pytest.mark.usefixtures("unseen")
def test_a_new_book_stands_beside_the_old_one() -> None:
    old = PriceBook.objects.latest("id")
    rules = old.rules.count()
    new = books.publish_json('{"mj_imagine": 0.2}', memo="dearer")
    assert PriceBook.objects.latest("id") == new
    assert list(new.rules.values_list("name", "mode", "amount")) == [("mj_imagine", "", 200_000)]
    assert old.rules.count() == rules
    assert new.memo == "dearer"
    assert PriceRule.objects.filter(book=new).count() == 1


def change(book: PriceBook) -> None:
    drafts.set_rule(book, rule("mj_imagine", "0.3"))


@pytest.mark.usefixtures("unseen")
def test_a_draft_is_edited_line_by_line(bystander: Account) -> None:
    book = books.draft(origin=None, actor="test")
    group, tenant = bystander.tenant.group_id, bystander.tenant.pk
    first = drafts.set_rule(book, Rule("mj_imagine", 5, "relax", tenant_id=tenant))
    drafts.set_rule(book, Rule("mj_imagine", 6, "relax", group_id=group))
    drafts.set_rule(book, Rule("mj_imagine", 7, "relax"))
    again = drafts.set_rule(book, Rule("mj_imagine", 8, "relax", tenant_id=tenant))
    drafts.set_ratio(book, Ratio(group, Decimal("0.5")))
    general = drafts.set_ratio(book, Ratio(group, Decimal("0.25")))
    drafts.set_ratio(book, Ratio(group, Decimal("0.1"), home_id=group))
    assert first.pk == again.pk
    assert lines(book) == {
        ("mj_imagine", "relax", tenant, None, 8),
        ("mj_imagine", "relax", None, group, 6),
        ("mj_imagine", "relax", None, None, 7),
        (group, None, Decimal("0.25")),
        (group, group, Decimal("0.1")),
    }
    assert drafts.remove_rule(book, first.pk)
    assert drafts.remove_ratio(book, general.pk)
    assert not drafts.remove_rule(book, first.pk)
    assert not drafts.remove_ratio(book, general.pk)
    drafts.replace_rules(book, [Rule("*", 1)])
    drafts.replace_ratios(book, [])
    assert lines(book) == {("*", "", None, None, 1)}


@pytest.mark.usefixtures("unseen")
def test_a_line_of_another_book_is_not_removed() -> None:
    mine, others = draft(), draft()
    assert not drafts.remove_rule(mine, others.rules.latest("id").pk)
    assert lines(mine) == lines(others)


WRONG_RULES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "not a price name"),
    ({"name": "x" * 65}, "not a price name"),
    ({"name": "mj_\x00"}, "not a price name"),
    ({"name": "mj_*_x"}, "may only stand once, at its end"),
    ({"name": "**"}, "may only stand once, at its end"),
    ({"mode": "FAST"}, "not a mode"),
    ({"amount": -1}, "negative"),
    ({"amount": 2**53 + 1}, "too large"),
    ({"amount": 0.5}, "whole number"),
    ({"amount": True}, "whole number"),
    ({"amount": "1"}, "whole number"),
    ({"tenant_id": 1, "group_id": 1}, "for a tenant and for a group"),
    ({"tenant_id": 2**62}, "there is no tenant"),
    ({"group_id": 2**62}, "there is no group"),
    ({"tenant_id": 2**70}, "not the number"),
    ({"group_id": 0}, "not the number"),
    ({"group_id": "1"}, "not the number"),
]


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize(("fields", "says"), WRONG_RULES)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], says: str) -> None:
    book = draft()
    before = lines(book)
    wrong = Rule(**({"name": "mj_imagine", "amount": 1} | fields))
    with pytest.raises(PricesInvalid, match=says):
        drafts.set_rule(book, wrong)
    with pytest.raises(PricesInvalid, match=says):
        drafts.replace_rules(book, [Rule("mj_new", 1), wrong])
    assert lines(book) == before


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        ("-0.1", "not negative"),
        ("1000000", "too large"),
        ("1e99", "too large"),
        ("0.1234567", "six decimals"),
        ("NaN", "decimal number"),
        ("Infinity", "decimal number"),
    ],
)
def test_a_ratio_that_makes_no_sense_is_refused(bystander: Account, ratio: str, says: str) -> None:
    book = draft()
    with pytest.raises(PricesInvalid, match=says):
        drafts.set_ratio(book, Ratio(bystander.tenant.group_id, Decimal(ratio)))
    with pytest.raises(PricesInvalid, match="there is no group"):
        drafts.set_ratio(book, Ratio(2**62, Decimal(1)))
    with pytest.raises(PricesInvalid, match="there is no group"):
        drafts.set_ratio(book, Ratio(bystander.tenant.group_id, Decimal(1), home_id=2**62))


@pytest.mark.usefixtures("unseen")
def test_a_line_does_not_stand_in_a_book_twice(bystander: Account) -> None:
    book, group = draft(), bystander.tenant.group_id
    with pytest.raises(PricesInvalid, match="twice"):
        drafts.replace_rules(book, [Rule("mj_imagine", 1), Rule("mj_imagine", 2)])
    with pytest.raises(PricesInvalid, match="twice"):
        drafts.replace_ratios(book, [Ratio(group, Decimal(1)), Ratio(group, Decimal(2))])


@pytest.mark.usefixtures("unseen")
def test_a_published_book_is_not_edited() -> None:
    book = publish(rule("mj_imagine", "0.2"))
    before = lines(book)
    for edit in (
        lambda: change(book),
        lambda: drafts.remove_rule(book, book.rules.latest("id").pk),
        lambda: drafts.replace_rules(book, []),
        lambda: drafts.replace_ratios(book, []),
        lambda: books.discard(book),
        lambda: books.release(book, actor="test"),
        lambda: newapi_prices.merge(book, Maps('{"mj_imagine": 9}')),
        lambda: book_files.load(book, '{"rules": [], "ratios": []}'),
    ):
        with pytest.raises(BookRefused, match="is published"):
            edit()
    assert lines(book) == before


@pytest.mark.usefixtures("unseen")
def test_the_database_refuses_what_goes_past_the_functions() -> None:
    book = publish(rule("mj_imagine", "0.2"))
    for edit in (
        lambda: book.rules.update(amount=1),
        lambda: book.rules.all().delete(),
        lambda: PriceRule.objects.create(book=book, name="new", amount=1),
        lambda: PriceRule.objects.filter(book=draft()).update(book=book),
        lambda: PriceBook.objects.filter(pk=book.pk).update(memo="other"),
        lambda: PriceBook.objects.filter(pk=book.pk).update(published_at=None, effective_at=None),
    ):
        with pytest.raises(IntegrityError, match="is published"), transaction.atomic():
            edit()


@pytest.mark.usefixtures("unseen")
def test_a_draft_may_be_thrown_away() -> None:
    book = draft(rule("mj_imagine", "0.2"))
    books.discard(book)
    assert not PriceRule.objects.filter(book_id=book.pk).exists()
    for gone in (books.discard, change):
        with pytest.raises(BookRefused, match="not there any more"):
            gone(book)


@pytest.mark.usefixtures("unseen")
def test_a_book_that_was_copied_is_not_thrown_away() -> None:
    book = draft(rule("mj_imagine", "0.2"))
    copy = books.draft(origin=book, actor="test")
    with pytest.raises(BookRefused, match="a copy of it"):
        books.discard(book)
    books.discard(copy)
    books.discard(book)


@pytest.mark.usefixtures("unseen")
def test_a_book_waits_for_its_time_and_may_be_withdrawn() -> None:
    before = PriceBook.objects.in_force()
    with pytest.raises(BookRefused, match="before it is published"):
        publish(at=timezone.now() - timedelta(seconds=1))
    book = publish(rule("mj_imagine", "0.2"), at=timezone.now() + timedelta(hours=1))
    assert PriceBook.objects.in_force() == before
    with pytest.raises(BookRefused, match="is published"):
        change(book)
    with pytest.raises(BookRefused, match="never in force"):
        books.roll_back(book, actor="test")
    books.withdraw(book)
    assert (book.published_at, book.effective_at, book.published_by) == (None, None, "")
    change(book)
    for refused in (books.withdraw, lambda book: books.roll_back(book, actor="test")):
        with pytest.raises(BookRefused):
            refused(book)


@pytest.mark.usefixtures("unseen")
def test_a_book_in_force_is_not_withdrawn_and_neither_is_one_that_is_about_to_be() -> None:
    soon = timezone.now() + timedelta(seconds=books.WITHDRAWAL_SECONDS / 2)
    for book in (publish(), publish(at=soon)):
        with pytest.raises(BookRefused, match="not waiting"):
            books.withdraw(book)


@pytest.mark.usefixtures("unseen")
def test_a_roll_back_is_a_copy_of_the_older_book(bystander: Account) -> None:
    old = publish(
        rule("mj_imagine", "0.2"), rule("mj_*", "0.1", "relax", tenant_id=bystander.tenant.pk)
    )
    newer = publish(rule("mj_imagine", "0.9"))
    back = books.roll_back(old, actor="ann")
    assert PriceBook.objects.in_force() == back
    assert (back.origin, back.published_by) == (old, "ann")
    assert lines(back) == lines(old) != lines(newer)


@pytest.mark.usefixtures("unseen")
def test_a_price_that_its_ratio_makes_absurd_is_not_published(bystander: Account) -> None:
    group = bystander.tenant.group_id
    book = draft(rule("mj_imagine", "9000000000"), rule("mj_*", "1", group_id=group))
    drafts.set_ratio(book, Ratio(group, Decimal("1.1")))
    with pytest.raises(BookRefused, match=r"9000000000.00 times the ratio 1.1 is too large"):
        books.release(book, actor="test")
    drafts.set_rule(book, rule("mj_imagine", "1"))
    books.release(book, actor="test")


@pytest.mark.usefixtures("unseen")
def test_a_memo_that_is_too_long_is_refused() -> None:
    for memo in ("x" * 201, "\x00"):
        with pytest.raises(BookRefused, match="memo"):
            books.publish({"mj_imagine": 1}, memo=memo)


@pytest.mark.usefixtures("unseen")
def test_the_difference_between_two_books(bystander: Account) -> None:
    group, name = bystander.tenant.group_id, bystander.tenant.name
    old = draft(rule("mj_imagine", "0.1"), rule("mj_blend", "0.2"), rule("gone", "1", "relax"))
    drafts.set_ratio(old, Ratio(group, Decimal("0.5")))
    new = books.draft(origin=old, actor="test")
    assert book_diff.between(old, new) == ([], [])
    drafts.set_rule(new, rule("mj_imagine", "0.3"))
    drafts.remove_rule(new, new.rules.get(name="gone").pk)
    drafts.set_rule(new, rule("mj_imagine", "0", tenant_id=bystander.tenant.pk))
    drafts.set_rule(new, rule("mj_*", "0.4", "turbo", group_id=group))
    drafts.set_ratio(new, Ratio(group, Decimal("0.6")))
    drafts.set_ratio(new, Ratio(group, Decimal("0.7"), home_id=group))
    found = book_diff.between(old, new)
    assert found.rules == [
        ("gone", "relax", "", "", 1_000_000, None),
        ("mj_imagine", "", "", "", 100_000, 300_000),
        ("mj_*", "turbo", "", name, None, 400_000),
        ("mj_imagine", "", name, "", None, 0),
    ]
    assert found.ratios == [
        (name, "", Decimal("0.5"), Decimal("0.6")),
        (name, name, None, Decimal("0.7")),
    ]
    assert len(book_diff.between(None, new).rules) == new.rules.count()
