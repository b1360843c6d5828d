"""What an action costs: the rule that fits best, the group's ratio, one rounding."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from billing import books, pricing
from billing.errors import PriceMissing
from billing.models import PriceRule
from common.models import Generation


@pytest.fixture(autouse=True)
def forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have worked on another database, whose counter stood higher."""
    monkeypatch.setattr(pricing, "_book", pricing._Book(generation=-1, rules={}))


def quote(name: str, *, ratio: str = "1", mode: str = "fast") -> int:
    generation = Generation.objects.get(name="prices").value
    return pricing.quote(
        names=[name], mode=mode, ratio=Decimal(ratio), generation=generation
    ).amount


@pytest.mark.parametrize(
    ("price", "ratio", "amount"),
    [
        ("0.1", "1", 100_000),
        ("0.1", "0.333", 33_300),
        ("0.1", "0", 0),
        ("0.1", "1.5", 150_000),
        ("0.000001", "0.5", 1),  # 0.5, half up
        ("0.000001", "0.4999", 0),
        ("0.000003", "0.5", 2),  # 1.5
        ("0.000005", "0.5", 3),  # 2.5: half to even would make 2 of it
        ("0.000007", "0.5", 4),  # 3.5
        ("0.01", "0.3333", 3333),
        ("9000", "99999.9999", 899_999_999_100_000),
    ],
)
def test_the_price_is_rounded_half_up_once(
    publish_prices: Callable[[str], object], price: str, ratio: str, amount: int
) -> None:
    publish_prices(f'{{"mj_imagine": {price}}}')
    assert quote("mj_imagine", ratio=ratio) == amount


def test_an_action_without_a_price_is_refused_and_never_free() -> None:
    with pytest.raises(PriceMissing, match="mj_unheard_of") as refused:
        quote("mj_unheard_of")
    assert refused.value.name == "mj_unheard_of"


def test_a_price_of_the_mode_goes_before_the_general_one(
    publish_prices: Callable[[str], object],
) -> None:
    publish_prices('{"mj_imagine": 0.1, "mj_blend": 0.2}')
    book = PriceRule.objects.latest("id").book
    rule = PriceRule.objects.create(book=book, name="mj_imagine", mode="relax", amount=0)
    assert quote("mj_imagine", mode="relax") == 0
    assert quote("mj_imagine", mode="turbo") == 100_000
    assert quote("mj_blend", mode="relax") == 200_000
    found = pricing.quote(names=["mj_imagine"], mode="relax", ratio=Decimal(1), generation=-1)
    assert found.rule_id == rule.pk


def test_a_price_for_one_mode_only_is_none_for_the_others(
    publish_prices: Callable[[str], object],
) -> None:
    publish_prices('{"mj_imagine": 0.1}')
    book = PriceRule.objects.latest("id").book
    PriceRule.objects.create(book=book, name="mj_video", mode="fast", amount=7)
    assert quote("mj_video", mode="fast") == 7
    with pytest.raises(PriceMissing):
        quote("mj_video", mode="relax")


def test_only_the_newest_book_is_in_force(publish_prices: Callable[[str], object]) -> None:
    publish_prices('{"mj_imagine": 0.1, "mj_gone": 0.2}')
    assert quote("mj_gone") == 200_000
    publish_prices('{"mj_imagine": 0.3}')
    assert quote("mj_imagine") == 300_000
    with pytest.raises(PriceMissing):
        quote("mj_gone")


def test_a_book_is_read_anew_when_the_counter_says_so(
    publish_prices: Callable[[str], object],
) -> None:
    publish_prices('{"mj_imagine": 0.1}')
    before = Generation.objects.get(name="prices").value
    assert quote("mj_imagine") == 100_000
    books.publish_json('{"mj_imagine": 0.5}')
    assert Generation.objects.get(name="prices").value > before
    # A caller who asked before the new book came still gets what was in force.
    old = pricing.quote(names=["mj_imagine"], mode="fast", ratio=Decimal(1), generation=before)
    assert old.amount == 100_000
    assert quote("mj_imagine") == 500_000
