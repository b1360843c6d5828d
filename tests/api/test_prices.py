"""Price books end to end: whose price counts, and from which moment on."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import books, drafts
from billing.drafts import Ratio
from billing.models import Group, PriceBook, Token
from channels.models import Channel
from tests.accounts import Account
from tests.prices import PRICES, draft, for_group, publish, rule
from tests.proofs import prove
from tests.stack import wait_until


@pytest.fixture(scope="module", autouse=True)
def usual_prices(database: str) -> Iterator[None]:
    yield
    books.publish_json(PRICES, memo="tests")


def held(account: Account, task_id: str) -> str:
    """What was held for a task."""
    return account.entries(task_id)[0][2]


def test_a_book_takes_force_at_its_moment_and_nobody_has_to_do_anything(account: Account) -> None:
    """In processes that run already; what runs then keeps its price. A book that was withdrawn
    does not come."""
    moment = timezone.now() + timedelta(seconds=6)
    later = moment + timedelta(seconds=0.2)
    publish(for_group(account, "mj_imagine", "0.30"), at=moment)
    withdrawn = publish(for_group(account, "mj_imagine", "0.90"), at=later)
    books.withdraw(withdrawn)
    before = account.draw()
    assert timezone.now() < moment, "too slow to tell"
    assert held(account, before) == "0.10"
    wait_until(lambda: timezone.now() > later, what="their moments")
    after = account.draw()
    assert held(account, after) == "0.30"
    account.finish(before)
    account.finish(after)
    assert account.entries(before)[-1] == ("capture", "-0.10", "-0.10")
    assert account.entries(after)[-1] == ("capture", "-0.30", "-0.30")
    assert withdrawn.published_at is None
    prove(account.tenant.pk)


def test_a_draft_is_nobodys_price(account: Account) -> None:
    book = draft(for_group(account, "mj_imagine", "0.90"))
    assert held(account, account.draw()) == "0.10"
    drafts.set_rule(book, for_group(account, "mj_imagine", "0.40"))
    books.release(book, actor="test")
    assert held(account, account.draw()) == "0.40"


def test_a_roll_back_holds_for_the_next_submit(account: Account) -> None:
    old = PriceBook.objects.in_force()
    assert old is not None
    publish(for_group(account, "mj_imagine", "0.90"))
    assert held(account, account.draw()) == "0.90"
    books.roll_back(old, actor="test")
    assert held(account, account.draw()) == "0.10"


def test_the_most_specific_price_is_held_and_its_line_recorded(account: Account) -> None:
    """The table of all combinations is in tests/billing/test_pricing.py."""
    book = publish(
        for_group(account, "mj_*", "0.5"),
        for_group(account, "mj_im*", "0.4"),
        for_group(account, "mj_im*", "0.3", "relax"),
        rule("mj_imagine", "0.2", "turbo", tenant_id=account.tenant.pk),
    )
    group = Ratio(account.tenant.group_id, Decimal(10))
    book = books.draft(origin=book, actor="test")
    drafts.set_ratio(book, group)
    books.release(book, actor="test")
    for prefix, price in (("/fast/mj", "0.40"), ("/relax/mj", "0.30"), ("/turbo/mj", "0.20")):
        answer = account.request("POST", f"{prefix}/submit/imagine", json={"prompt": "a pier"})
        assert held(account, answer.json()["result"]) == price
    assert account.last_task.price_rule == book.rules.get(tenant=account.tenant)


def test_a_key_in_another_group_pays_that_groups_ratio_for_its_home(account: Account) -> None:
    used = Group.objects.create(name=f"used by {account.tenant.name}")
    Channel.objects.filter(pk=account.channel.pk).update(groups=[used.name])
    Token.objects.filter(pk=account.token.pk).update(group=used)
    book = draft()
    drafts.set_ratio(book, Ratio(used.pk, Decimal(3)))
    books.release(book, actor="test")
    assert held(account, account.draw()) == "0.30"
    book = books.draft(origin=book, actor="test")
    drafts.set_ratio(book, Ratio(used.pk, Decimal("0.5"), home_id=account.tenant.group_id))
    books.release(book, actor="test")
    assert held(account, account.draw()) == "0.05"
