"""Price books as operators of this family have them, and what is wrong in them."""

import pytest

from billing import books
from billing.errors import PricesInvalid
from billing.models import PriceBook, PriceRule


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
        ('{"mj_imagine": 0.1,}', "line 1, column"),
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
        ('{"mj_imagine": NaN}', "mj_imagine"),
        ('{"mj_imagine": Infinity}', "mj_imagine"),
        ('{"mj_imagine": -Infinity}', "mj_imagine"),
        ('{"mj_imagine": -0.1}', "mj_imagine is negative"),
        ('{"mj_imagine": 1e99}', "mj_imagine"),
        ('{"mj_imagine": 1e999999999999999999999}', "."),
        ('{"mj_imagine": 0.1, "mj_imagine": 0.2}', "twice"),
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
