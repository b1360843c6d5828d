"""What real traffic would have earned under a draft, against sums made by hand."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billing import books, drafts, ledger, preview, tokens
from billing.drafts import Ratio, Rule
from billing.models import Group, PriceBook
from billing.preview import Days, Figures, Line
from relay import actions
from tests.accounts import Account, open_account
from tests.ledger import hold
from tests.traffic import spread

pytestmark = pytest.mark.usefixtures("unseen")
# Days that no other test's entries are in.
DAYS = Days(date(2024, 2, 28), date(2024, 3, 1))


def draw(account: Account, name: str, mode: str, *, price: int, paid: int | None = None) -> str:
    reference = hold(account, price=price, price_name=name, mode=mode)
    ledger.capture(reference=reference, amount=price if paid is None else paid)
    return reference


def shown(book: PriceBook | None, days: Days = DAYS, *, most: int | None = None) -> preview.Preview:
    return preview.of(book, days=days, names_of=actions.names_of, most=most)


def book_of(*rules: Rule) -> PriceBook:
    book = books.draft(origin=None, actor="test")
    drafts.replace_rules(book, rules)
    return book


def past(*accounts: Account) -> None:
    for account in accounts:
        spread(account.wallet, first=DAYS.first, last=DAYS.last)


def test_a_preview_is_the_traffic_priced_anew(bystander: Account) -> None:
    for _ in range(3):
        draw(bystander, "mj_imagine", "fast", price=100)
    draw(bystander, "mj_imagine", "relax", price=100, paid=40)
    draw(bystander, "mj_upscale_hd", "fast", price=50)
    draw(bystander, "swap_face", "fast", price=70)
    ledger.release(reference=hold(bystander, price=100))
    hold(bystander, price=100)
    past(bystander)
    book = book_of(Rule("mj_*", 10), Rule("mj_imagine", 200, "fast"), Rule("mj_upscale", 30))
    drafts.set_ratio(book, Ratio(bystander.tenant.group_id, Decimal("0.25")))
    found = shown(book)
    tenant = (bystander.tenant.pk, bystander.tenant.name)
    assert sorted(found.lines) == [
        Line(*tenant, "mj_imagine", "fast", Figures(3, 0, 300, 150)),
        # 10 x 0.25 is 3: each drawing is rounded by itself.
        Line(*tenant, "mj_imagine", "relax", Figures(1, 0, 40, 3)),
        # By the exact line of what it is called too: 30 x 0.25 is 8.
        Line(*tenant, "mj_upscale_hd", "fast", Figures(1, 0, 50, 8)),
        Line(*tenant, "swap_face", "fast", Figures(1, 1, 70, 0)),
    ]
    assert found.total == Figures(6, 1, 460, 161)
    assert found.by_tenant == {bystander.tenant.name: found.total}
    assert list(found.by_action) == [(line.price_name, line.mode) for line in sorted(found.lines)]
    assert found.by_action["mj_imagine", "fast"] == Figures(3, 0, 300, 150)


def test_only_so_much_as_is_asked_for_comes_first_what_changes_most(bystander: Account) -> None:
    accounts = [bystander, open_account(bystander.stack)]
    for account, name, price in (
        (accounts[0], "mj_imagine", 100),
        (accounts[0], "mj_blend", 5),
        (accounts[1], "mj_imagine", 100),
        (accounts[1], "mj_describe", 400),
    ):
        draw(account, name, "fast", price=price)
    past(*accounts)
    book = book_of(Rule("*", 50))
    found = shown(book, most=3)
    assert [line.figures.change for line in found.lines] == [-350, -50, -50]
    assert list(found.by_tenant) == [accounts[1].tenant.name, accounts[0].tenant.name]
    one = shown(book, most=1)
    assert (one.lines, list(one.by_tenant)) == (found.lines[:1], list(found.by_tenant)[:1])
    # All are counted all the same.
    for some in (found, one, shown(book, most=0)):
        assert some.total == Figures(4, 0, 605, 200)
        assert some.by_action == shown(book).by_action


def test_without_a_book_everything_is_refused(bystander: Account) -> None:
    draw(bystander, "mj_imagine", "fast", price=100)
    past(bystander)
    for book in (None, book_of()):
        assert shown(book).total == Figures(1, 1, 100, 0)


def test_a_refund_is_not_counted(bystander: Account) -> None:
    reference = draw(bystander, "mj_imagine", "fast", price=100)
    ledger.refund(reference=reference, amount=60, actor="test", memo="why")
    past(bystander)
    assert shown(book_of(Rule("*", 5))).total == Figures(1, 0, 100, 5)


def test_the_days_are_whole_days_of_utc(bystander: Account) -> None:
    """The first entry is at the first moment of the first day, the last at the last one."""
    references = [draw(bystander, "mj_imagine", "fast", price=1) for _ in range(4)]
    assert len(references) == 4
    past(bystander)
    book = book_of(Rule("*", 5))
    day = timedelta(days=1)
    numbers = [
        shown(book, Days(DAYS.first + day * number, DAYS.first + day * number)).total.number
        for number in range(-1, 4)
    ]
    assert (numbers[0], sum(numbers), numbers[-1]) == (0, 4, 0)
    assert shown(book).total.number == 4
    with pytest.raises(ValueError, match="before the first"):
        shown(book, Days(DAYS.last, DAYS.first))


def test_usual_periods() -> None:
    today = datetime.now(UTC).date()
    assert preview.yesterday() == (today - timedelta(days=1), today - timedelta(days=1))
    assert preview.last_30_days() == (today - timedelta(days=30), today - timedelta(days=1))


def test_each_key_is_priced_for_the_group_that_it_uses(bystander: Account) -> None:
    used = Group.objects.create(name=f"used by {bystander.tenant.name}")
    token, key = tokens.make(tenant=bystander.tenant, name="other", group=used)
    other = Account(bystander.stack, bystander.tenant, token, key, bystander.channel)
    draw(bystander, "mj_imagine", "fast", price=100)
    draw(other, "mj_imagine", "fast", price=100)
    past(bystander)
    book = book_of(Rule("*", 1000))
    home = bystander.tenant.group_id
    ratios = [Ratio(used.pk, Decimal(2)), Ratio(used.pk, Decimal("0.5"), home_id=home)]
    drafts.replace_ratios(book, ratios)
    # One line: both keys are of one tenant.
    (line,) = shown(book).lines
    assert line.figures == Figures(2, 0, 200, 1500)


def test_play_money_is_not_counted(bystander: Account) -> None:
    token, key = tokens.make(tenant=bystander.tenant, name="test", is_test=True)
    wallet = bystander.tenant.wallet_set.get(is_test=True)
    player = Account(bystander.stack, bystander.tenant, token, key, bystander.channel)
    reference = hold(player, price=100, wallet_id=wallet.pk)
    ledger.capture(reference=reference, amount=100)
    spread(wallet, first=DAYS.first, last=DAYS.last)
    assert shown(book_of(Rule("*", 5))).lines == []


def test_previews_of_any_traffic_are_the_sums_of_its_drawings(bystander: Account) -> None:
    """Two tenants, every action and mode, against prices asked one by one."""
    dice = random.Random(5)
    accounts = [bystander, open_account(bystander.stack)]
    rules = [
        Rule("mj_*", 17, "relax"),
        Rule("mj_imagine", 33, "", tenant_id=bystander.tenant.pk),
        Rule("mj_u*", 21, "turbo", group_id=accounts[1].tenant.group_id),
        Rule("mj_imagine", 11),
        Rule("swap_face", 7, "fast"),
    ]
    book = book_of(*rules)
    drafts.set_ratio(book, Ratio(accounts[1].tenant.group_id, Decimal("1.5")))
    would: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for _ in range(120):
        account, mode = dice.choice(accounts), dice.choice(("fast", "relax", "turbo"))
        name = dice.choice(("mj_imagine", "mj_upscale", "swap_face"))
        draw(account, name, mode, price=1)
        would[account.tenant.name, name, mode].append(_by_hand(accounts, account, name, mode))
    past(*accounts)
    found = {(line.tenant, line.price_name, line.mode): line.figures for line in shown(book).lines}
    assert found == {
        key: Figures(len(prices), prices.count(-1), len(prices), sum(p for p in prices if p > 0))
        for key, prices in would.items()
    }


def _by_hand(accounts: Sequence[Account], account: Account, name: str, mode: str) -> int:
    """The rules above, read by a person; -1 is refused."""
    second = account is accounts[1]
    match name, mode:
        case "mj_imagine", _:
            return 17 if second else 33  # 11 x 1.5 is 16.5
        case "mj_upscale", "turbo" if second:
            return 21
        case "mj_upscale", "relax":
            return 26 if second else 17  # 17 x 1.5 is 25.5
        case "swap_face", "fast":
            return 11 if second else 7  # 7 x 1.5 is 10.5
    return -1
