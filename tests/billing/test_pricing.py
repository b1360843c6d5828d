"""What an action costs: the rule that fits best, the group's ratio, one rounding."""

import itertools
import random
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest

from billing import books, drafts, money, pricing
from billing.drafts import Ratio, Rule
from billing.errors import PriceMissing
from billing.models import Group, PriceBook
from billing.pricing import Buyer, Prices
from common.models import Generation
from tests.accounts import Account
from tests.prices import publish, rule

UPSCALE = ("mj_upscale_hd", "mj_upscale")
# The patterns that fit an upscale, from the one that counts first to the one that counts last.
FITTING = ("mj_upscale_hd", "mj_upscale", "mj_upscale_hd*", "mj_upscale_*", "mj_*", "*")
GIZMO = ("gpt-4-gizmo-g-2fkFE8rbu",)
GIZMOS = ("gpt-4-gizmo-g-2fkFE8rbu", "gpt-4-gizmo-*", "gpt-4-*", "gpt-*", "*")
STRANGERS = ("mj_upscale_h", "mj_upscale_hd_*", "gpt-4-gizmo", "gpt-4-gizmo-h*", "swap_face")


@pytest.fixture(autouse=True)
def forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test may have worked on another database, whose counter stood higher."""
    monkeypatch.setattr(
        pricing, "_known", pricing._Known(generation=-1, prices=pricing.Prices(), until=0)
    )


def generation() -> int:
    return Generation.objects.get(name="prices").value


def buyer(account: Account) -> Buyer:
    group = account.tenant.group_id
    return Buyer(tenant_id=account.tenant.pk, group_id=group, home_id=group)


def book_of(rules: Sequence[Rule], *ratios: Ratio) -> PriceBook:
    book = books.draft(origin=None, actor="test")
    drafts.replace_rules(book, rules)
    drafts.replace_ratios(book, ratios)
    return book


def prices_of(rules: Sequence[Rule], *ratios: Ratio) -> Prices:
    return pricing.read(book_of(rules, *ratios))


def scopes_of(account: Account) -> list[dict[str, int]]:
    """For the tenant, its group, everybody."""
    return [{"tenant_id": account.tenant.pk}, {"group_id": account.tenant.group_id}, {}]


def ranked(account: Account, patterns: Sequence[str]) -> list[Rule]:
    """Every line that fits, the one that counts first at the head; each has its own amount."""
    scopes = scopes_of(account)
    lines = itertools.product(scopes, patterns, ("fast", ""))
    return [
        Rule(pattern, 1000 + number, mode, **scope)
        for number, (scope, pattern, mode) in enumerate(lines)
    ]


def strange(account: Account, patterns: Sequence[str]) -> list[Rule]:
    """Lines that never fit: other names, other modes, other groups."""
    other, _ = Group.objects.get_or_create(name="somebody else's")
    scopes = scopes_of(account)
    return [
        *(Rule(name, 1, "", **scope) for name in STRANGERS for scope in scopes),
        *(Rule(name, 2, "relax", **scope) for name in patterns for scope in scopes),
        *(Rule(name, 3, mode, group_id=other.pk) for name in patterns for mode in ("fast", "")),
    ]


@pytest.mark.parametrize(
    ("names", "patterns"), [(UPSCALE, FITTING), (GIZMO, GIZMOS)], ids=["upscale", "gizmo"]
)
def test_the_most_specific_line_wins(
    bystander: Account, names: Sequence[str], patterns: Sequence[str]
) -> None:
    """Tenant before group before all; exact before the longest prefix; a mode before any. Each
    line wins as soon as those above it are gone, and of any few of them the highest does."""
    lines, others = ranked(bystander, patterns), strange(bystander, patterns)
    dice = random.Random(7)
    books_ = [lines[number:] for number in range(len(lines))]
    books_ += [sorted(dice.sample(lines, 4), key=lines.index) for _ in range(20)]
    for some in books_:
        prices = prices_of([*others, *dice.sample(some, len(some))])
        quote = prices.quote(names=names, mode="fast", buyer=buyer(bystander))
        assert quote.amount == some[0].amount, some[0]
        assert (quote.name, quote.mode) == (names[0], "fast")
    with pytest.raises(PriceMissing, match=names[0]):
        prices_of(others).quote(names=names, mode="fast", buyer=buyer(bystander))


def test_a_price_names_the_line_that_it_comes_from(bystander: Account) -> None:
    book = book_of(ranked(bystander, FITTING))
    quote = pricing.read(book).quote(names=UPSCALE, mode="turbo", buyer=buyer(bystander))
    line = book.rules.get(pk=quote.rule_id)
    assert (line.name, line.mode, line.tenant) == ("mj_upscale_hd", "", bystander.tenant)


def test_only_everybodys_prices_are_multiplied(bystander: Account) -> None:
    half = Ratio(bystander.tenant.group_id, Decimal("0.5"))
    for scope, paid in zip(scopes_of(bystander), (100, 100, 50), strict=True):
        prices = prices_of([Rule("mj_imagine", 100, "", **scope)], half)
        quote = prices.quote(names=["mj_imagine"], mode="fast", buyer=buyer(bystander))
        assert quote.amount == paid


def test_the_ratio_for_a_home_replaces_the_general_one(bystander: Account) -> None:
    home = bystander.tenant.group_id
    used = Group.objects.create(name=f"used by {bystander.tenant.name}").pk
    lines = [rule("*", "1")]
    ratios = [
        Ratio(used, Decimal(3)),
        Ratio(used, Decimal("0.25"), home_id=home),
        Ratio(home, Decimal("0.5")),
        Ratio(home, Decimal(7), home_id=used),
    ]
    prices = prices_of(lines, *ratios)
    # (group that the key uses, the tenant's own group): what 1.00 comes to.
    for (using, own), paid in {
        (used, home): "0.25",
        (used, used): "3",
        (home, home): "0.5",
        (home, used): "7",
        (0, home): "1",
    }.items():
        asking = Buyer(tenant_id=0, group_id=using, home_id=own)
        quote = prices.quote(names=["mj_imagine"], mode="fast", buyer=asking)
        assert money.to_units(quote.amount) == Decimal(paid)


@pytest.mark.parametrize(
    ("amount", "ratio", "paid"),
    [
        (5, "0.5", 3),
        (3, "0.5", 2),
        (1, "0.499999", 0),
        (1, "0.5", 1),
        # new-api's floats make 7349 of it.
        (21_000, "0.7", 14_700),
        (1, "0", 0),
        (1_000_001, "1.000001", 1_000_002),
        (2**53, "1", 2**53),
        (2**53 - 1, "0.999999", 9_007_190_247_541_736),
        (2**53, "999999.999999", 9_007_199_254_731_984_800_745),
    ],
)
def test_a_product_is_exact_and_rounded_half_up_once(amount: int, ratio: str, paid: int) -> None:
    assert pricing.multiplied(amount, Decimal(ratio)) == paid


def test_products_are_those_of_whole_numbers() -> None:
    dice = random.Random(11)
    for _ in range(2000):
        amount, millionths = dice.randrange(2**53), dice.randrange(10 ** dice.randrange(1, 13))
        exact = (2 * amount * millionths + 1_000_000) // 2_000_000
        assert pricing.multiplied(amount, Decimal(millionths) / 1_000_000) == exact
    assert int(Decimal("0.5").quantize(Decimal(1), rounding=ROUND_HALF_UP)) == 1


def test_the_price_of_each_mode(bystander: Account) -> None:
    prices = prices_of([Rule("mj_*", 5, "relax"), Rule("mj_imagine", 9, "turbo")])
    asked = {"names": ["mj_imagine"], "buyer": buyer(bystander)}
    assert prices.by_mode(**asked) == {"relax": 5, "turbo": 9}


@pytest.mark.usefixtures("unseen")
def test_an_action_without_a_price_is_refused_and_never_free() -> None:
    asking = Buyer(tenant_id=0, group_id=0, home_id=0)
    for prices in (pricing.in_force(generation()), pricing.read(None), prices_of([])):
        with pytest.raises(PriceMissing, match="mj_unheard_of"):
            prices.quote(names=["mj_unheard_of"], mode="fast", buyer=asking)


def test_a_slow_request_does_not_bring_back_an_older_book(bystander: Account) -> None:
    """It read the counter before the newest book was published, and comes after another one."""
    before = generation()
    publish(rule("mj_imagine", "0.77"))
    for known in (generation(), before):
        prices = pricing.in_force(known)
        quote = prices.quote(names=["mj_imagine"], mode="fast", buyer=buyer(bystander))
        assert money.text(quote.amount) == "0.77"
