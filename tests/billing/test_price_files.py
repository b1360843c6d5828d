"""Prices from and for new-api, and whole books from and for other sites."""

import json
import random
from decimal import Decimal

import pytest

from billing import book_files, books, drafts, newapi_prices
from billing.drafts import Ratio, Rule
from billing.errors import PricesInvalid
from billing.models import Group, PriceBook
from billing.newapi_prices import Maps
from tests.accounts import Account
from tests.prices import draft, lines

pytestmark = pytest.mark.usefixtures("unseen")
# What new-api's interface shows: floats of other programs included.
MODEL_PRICE = '{\n  "mj_imagine": 0.1,\n  "gpt-4-gizmo-*": 0.30000000000000004,\n  "free": 0\n}'
GROUP_RATIO = '{"default": 1, "vip": 0.7000000000000001, "svip": 0}'
GROUP_GROUP_RATIO = '{"vip": {"default": 0.9, "svip": 0.123457}, "partners": {"vip": 0.25}}'
ALL = Maps(MODEL_PRICE, GROUP_RATIO, GROUP_GROUP_RATIO)


def empty() -> PriceBook:
    return books.draft(origin=None, actor="test")


def group(name: str) -> int:
    return Group.objects.get_or_create(name=name)[0].pk


def test_all_three_of_new_apis_maps_are_read() -> None:
    book = empty()
    newapi_prices.merge(book, ALL)
    default, vip, svip, partners = map(group, ("default", "vip", "svip", "partners"))
    assert lines(book) == {
        ("mj_imagine", "", None, None, 100_000),
        ("gpt-4-gizmo-*", "", None, None, 300_000),
        ("free", "", None, None, 0),
        (default, None, Decimal(1)),
        (vip, None, Decimal("0.7")),
        (svip, None, Decimal(0)),
        (default, vip, Decimal("0.9")),
        (svip, vip, Decimal("0.123457")),
        (vip, partners, Decimal("0.25")),
    }


def full(account: Account) -> PriceBook:
    """A draft with what new-api can say and what it cannot."""
    book = empty()
    newapi_prices.merge(book, ALL)
    drafts.set_rule(book, Rule("mj_imagine", 7, "relax"))
    drafts.set_rule(book, Rule("mj_imagine", 8, "", tenant_id=account.tenant.pk))
    drafts.set_rule(book, Rule("mj_*", 9, "turbo", group_id=account.tenant.group_id))
    return book


def test_a_merge_keeps_what_it_does_not_name(bystander: Account) -> None:
    book = full(bystander)
    before = lines(book)
    newapi_prices.merge(book, Maps('{"mj_imagine": 5, "new": 1}', '{"vip": 2}'))
    vip = group("vip")
    assert before - lines(book) == {
        ("mj_imagine", "", None, None, 100_000),
        (vip, None, Decimal("0.7")),
    }
    assert lines(book) - before == {
        ("mj_imagine", "", None, None, 5_000_000),
        ("new", "", None, None, 1_000_000),
        (vip, None, Decimal(2)),
    }


def test_a_replacement_keeps_what_the_texts_have_no_words_for(bystander: Account) -> None:
    book = full(bystander)
    before = lines(book)
    newapi_prices.replace(book, Maps('{"new": 1}', None, "{}"))
    tenant, in_group = bystander.tenant.pk, bystander.tenant.group_id
    assert lines(book) == {
        ("new", "", None, None, 1_000_000),
        ("mj_imagine", "relax", None, None, 7),
        ("mj_imagine", "", tenant, None, 8),
        ("mj_*", "turbo", None, in_group, 9),
        *(line for line in before if len(line) == 3 and line[1] is None),
    }


def test_no_text_changes_nothing(bystander: Account) -> None:
    book = full(bystander)
    before = lines(book)
    newapi_prices.replace(book, Maps())
    newapi_prices.merge(book, Maps("{}", "{}", "{}"))
    assert lines(book) == before


def test_an_export_comes_back_as_the_same_lines(bystander: Account) -> None:
    book = full(bystander)
    export = newapi_prices.export(book)
    assert json.loads(export.maps.model_price or "") == {
        "mj_imagine": 0.1,
        "gpt-4-gizmo-*": 0.3,
        "free": 0,
    }
    assert json.loads(export.maps.group_group_ratio or "")["vip"] == {
        "default": 0.9,
        "svip": 0.123457,
    }
    copy = empty()
    newapi_prices.replace(copy, export.maps)
    left_out = {
        (line.name, line.mode, line.tenant_id, line.group_id, line.amount)
        for line in export.left_out
    }
    assert {line[4] for line in left_out} == {7, 8, 9}
    assert lines(copy) | left_out == lines(book)


def test_a_whole_book_comes_back_as_the_same_lines(bystander: Account) -> None:
    book = full(bystander)
    copy = draft(Rule("overwritten", 1))
    book_files.load(copy, book_files.dump(book))
    assert lines(copy) == lines(book)
    book_files.load(copy, book_files.dump(empty()))
    assert lines(copy) == set()


def test_amounts_and_ratios_of_every_size_come_back(bystander: Account) -> None:
    dice = random.Random(3)
    book = empty()
    amounts = [0, 1, 2**53, *(dice.randrange(10 ** dice.randrange(1, 16)) for _ in range(200))]
    drafts.replace_rules(book, [Rule(f"n{number}", it) for number, it in enumerate(amounts)])
    ratio = Decimal(dice.randrange(10**12 - 10**6)) / 1_000_000
    drafts.set_ratio(book, Ratio(bystander.tenant.group_id, ratio))
    for copy, load in ((empty(), _through_newapi), (empty(), _through_file)):
        load(book, copy)
        assert lines(copy) == lines(book)


def _through_newapi(book: PriceBook, copy: PriceBook) -> None:
    newapi_prices.merge(copy, newapi_prices.export(book).maps)


def _through_file(book: PriceBook, copy: PriceBook) -> None:
    book_files.load(copy, book_files.dump(book))


# Which of the three texts, what is in it, and what is said.
WRONG = [
    ("model_price", '{"mj_imagine": 0.1,}', "ModelPrice: line 1, column 20: expected a name"),
    ("model_price", '{"a": 1,\n "b": "1"}', "ModelPrice: line 2, column 7: .* b is not a number"),
    ("model_price", '{"a": true}', "line 1, column 7: the price of a is not a number"),
    ("model_price", '{"a": NaN}', "the price of a is not a number"),
    ("model_price", '{"a": 1e999}', "line 1, column 7: the price of a is too large"),
    ("model_price", '{"a": -0.1}', "the price of a is negative"),
    ("model_price", '{"a": 1, "a": 2}', "line 1, column 10: 'a' stands there twice"),
    ("model_price", "[]", "ModelPrice: line 1, column 1: expected an object"),
    ("group_ratio", '{"vip": "1"}', "GroupRatio: line 1, column 9: .* vip is not a number"),
    ("group_ratio", '{"vip": -1}', "the ratio of vip is negative"),
    ("group_ratio", '{"vip": -Infinity}', "the ratio of vip is not a number"),
    ("group_ratio", '{"vip": 1e999}', "the ratio of vip is too large"),
    ("group_ratio", '{"vip": 999999.9999999}', "the ratio of vip is too large"),
    ("group_ratio", '{"vip": 1e-7}', "the ratio of vip is less than 0.000001"),
    ("group_ratio", '{"": 1}', "'' is not the name of a group"),
    ("group_ratio", '{"a\\u0000": 1}', "is not the name of a group"),
    ("group_ratio", '{"\\ud800": 1}', "is not the name of a group"),
    ("group_ratio", '{"%s": 1}' % ("g" * 65), "is not the name of a group"),
    ("group_group_ratio", '{"vip": 1}', "GroupGroupRatio: line 1, column 9: expected an object"),
    ("group_group_ratio", '{"vip": {"a": 1,\n"a": 2}}', "line 2, column 1: 'a' stands there"),
    ("group_group_ratio", '{"vip": {"a": null}}', "the ratio of a for vip is not a number"),
    ("group_group_ratio", '{"vip": {" ": 1}}', "' ' is not the name of a group"),
]


@pytest.mark.parametrize(("which", "text", "says"), WRONG)
def test_what_is_wrong_is_said_and_nothing_changes(
    bystander: Account, which: str, text: str, says: str
) -> None:
    book = full(bystander)
    before, groups = lines(book), Group.objects.count()
    good = Maps('{"mj_new": 1}', '{"new group": 1}', '{"new": {"newer": 1}}')
    wrong = good._replace(**{which: text})
    for store in (newapi_prices.merge, newapi_prices.replace):
        with pytest.raises(PricesInvalid, match=says):
            store(book, wrong)
    assert (lines(book), Group.objects.count()) == (before, groups)


@pytest.mark.parametrize(
    ("rules", "ratios", "says"),
    [
        ("{}", "[]", "line 1, column 11: expected a list"),
        ('[{"amount": 1}]', "[]", "line 1, column 12: this line has no name"),
        ('[{"name": "a"}]', "[]", "this line has no amount"),
        ('[{"name": 1, "amount": 1}]', "[]", "the name is not a text"),
        ('[{"name": "*a", "amount": 1}]', "[]", "'.a' is not a price name"),
        ('[{"name": "a", "amount": 1, "x": 1}]', "[]", "line 1, column 44: 'x' is not known here"),
        ('[{"name": "a", "mode": "x", "amount": 1}]', "[]", "'x' is not a mode"),
        ('[{"name": "a", "amount": "1"}]', "[]", "the price of a is not a number"),
        ('[{"name": "a", "tenant": "nobody", "amount": 1}]', "[]", "there is no tenant 'nobody'"),
        ('[{"name": "a", "tenant": "\\u0000", "amount": 1}]', "[]", "there is no tenant"),
        ('[{"name": "a", "tenant": "x", "group": "y", "amount": 1}]', "[]", "not for both"),
        ('[{"name": "a", "group": "", "amount": 1}]', "[]", "not the name of a group"),
        (
            '[{"name": "a", "amount": 1},\n{"name": "a", "amount": 2}]',
            "[]",
            "line 2, column 1: a line about the same",
        ),
        ("[]", '[{"ratio": 1}]', "this ratio has no group"),
        ("[]", '[{"group": "new"}]', "this ratio has no ratio"),
        ("[]", '[{"group": "new", "ratio": -1}]', "negative"),
        ("[]", '[{"group": "new", "home": 1, "ratio": 1}]', "the home is not a text"),
        (
            "[]",
            '[{"group": "g", "ratio": 1},\n{"group": "g", "ratio": 1}]',
            "line 2, column 1: a line about the same",
        ),
    ],
)
def test_what_is_wrong_in_a_whole_book_is_said_and_nothing_changes(
    rules: str, ratios: str, says: str
) -> None:
    book = draft(Rule("stays", 1))
    before, groups = lines(book), Group.objects.count()
    with pytest.raises(PricesInvalid, match=says):
        book_files.load(book, f'{{"rules": {rules}, "ratios": {ratios}}}')
    assert (lines(book), Group.objects.count()) == (before, groups)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "line 1, column 1: there are no rules"),
        ('{"rules": []}', "there are no ratios"),
        ('{"rules": [], "ratios": [], "more": 1}', "line 1, column 37: 'more' is not known here"),
    ],
)
def test_a_whole_book_has_rules_and_ratios(text: str, says: str) -> None:
    with pytest.raises(PricesInvalid, match=says):
        book_files.load(draft(), text)
