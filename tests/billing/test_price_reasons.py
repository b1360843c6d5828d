"""The reason of a price never tells another story than the price itself."""

import random
from decimal import Decimal

from billing import books, drafts, price_reasons, pricing
from billing.drafts import Ratio, Rule
from billing.errors import PriceMissing
from billing.models import Group
from billing.pricing import Buyer
from tests.accounts import Account

NAMES = ("mj_upscale_hd", "mj_upscale")
PATTERNS = ("mj_upscale_hd", "mj_upscale", "mj_*", "mj_up*", "mj_upscale*", "*", "mj_pan", "swap*")


def test_the_first_rule_of_any_book_is_the_one_that_is_charged(bystander: Account) -> None:
    tenant, chance = bystander.tenant, random.Random(7)
    vip = Group.objects.create(name=f"{tenant.name}-vip")
    buyers = [
        Buyer(tenant_id=tenant.pk, group_id=group, home_id=tenant.group_id)
        for group in (tenant.group_id, vip.pk)
    ]
    scopes = [(None, None), (tenant.pk, None), (None, vip.pk), (None, tenant.group_id)]
    every = [
        Rule(name, 1000 * number, mode, *scope)
        for number, (name, mode, scope) in enumerate(
            (name, mode, scope)
            for name in PATTERNS
            for mode in ("", "fast", "relax")
            for scope in scopes
        )
    ]
    told = set()
    for _ in range(100):
        book = books.draft(origin=None, actor="test")
        drafts.replace_rules(book, chance.sample(every, chance.randint(0, 6)))
        lines = [Ratio(vip.pk, Decimal(2)), Ratio(vip.pk, Decimal(3), tenant.group_id)]
        drafts.replace_ratios(book, chance.sample(lines, chance.randint(0, 2)))
        prices = pricing.read(book)
        for buyer in buyers:
            reason = price_reasons.explain(book, names=NAMES, mode="fast", buyer=buyer)
            try:
                quote = prices.quote(names=NAMES, mode="fast", buyer=buyer)
            except PriceMissing:
                assert (reason.amount, reason.rules) == (None, [])
                continue
            assert (reason.amount, reason.rules[0].pk) == (quote.amount, quote.rule_id)
            factor = 1 if reason.ratio is None else reason.ratio
            assert quote.amount == reason.rules[0].amount * factor
            assert reason.ratio in (
                None,
                1 if reason.ratio_line is None else reason.ratio_line.ratio,
            )
            told.add(reason.ratio)
    assert told == {None, Decimal(1), Decimal(2), Decimal(3)}
