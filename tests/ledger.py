"""Holds without a task behind them: for tests of the ledger alone."""

import itertools
from typing import Any

from billing import ledger
from billing.models import PriceRule
from tests.accounts import Account

_numbers = itertools.count(1)


def params(account: Account, *, price: int = 100_000, **fields: Any) -> dict[str, Any]:
    """What a hold needs to know (ledger.HOLD_COLUMNS)."""
    return {
        "wallet_id": account.wallet.pk,
        "token_id": account.token.pk,
        "price": price,
        "price_rule_id": PriceRule.objects.filter(name="mj_imagine").latest("id").pk,
        "price_name": "mj_imagine",
        "mode": "fast",
        "key_concurrency": None,
        "tenant_concurrency": None,
    } | fields


def hold(account: Account, **fields: Any) -> str:
    """Returns its reference."""
    reference = f"{account.tenant.name}/{next(_numbers)}"
    ledger.hold(params(account, **fields), reference=reference)
    return reference
