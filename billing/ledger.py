"""The only writer of wallets, of the money fields of keys, and of ledger entries.

Each function is one statement, so wallet, key and entry change together or not at all. Every
statement locks the wallet before the key: two of them can wait for each other, never in a circle.
What must hold is also written into the database: see the constraints of Wallet and Entry.
"""

from billing.errors import QuotaNotEnough
from billing.models import Entry, Wallet
from common import sql

# Parts of one data-modifying statement that relay/statements.py joins with the task's own parts:
# HOLD, then a part `task(id)` that inserts from `wallet` (no money, no task), then HOLD_ENTRY.
# Parameters: tenant_id, token_id, price, price_rule_id.
# `payer` decides under lock; the two updates cannot fail after it.
HOLD = """
payer AS (
    SELECT wallet.tenant_id, token.id AS token_id
    FROM billing_wallet wallet, billing_token token
    WHERE wallet.tenant_id = %(tenant_id)s
      AND token.id = %(token_id)s AND token.tenant_id = wallet.tenant_id AND token.is_active
      AND wallet.balance - wallet.held + wallet.credit_limit >= %(price)s
      AND (token.budget IS NULL OR token.budget - token.spent - token.held >= %(price)s)
    FOR NO KEY UPDATE
), wallet AS (
    UPDATE billing_wallet SET held = billing_wallet.held + %(price)s
    FROM payer WHERE billing_wallet.tenant_id = payer.tenant_id
    RETURNING billing_wallet.tenant_id, billing_wallet.balance, billing_wallet.held
), token AS (
    UPDATE billing_token SET held = billing_token.held + %(price)s
    FROM payer, wallet WHERE billing_token.id = payer.token_id
)"""

HOLD_ENTRY = """
INSERT INTO billing_entry (wallet_id, kind, reference, amount, held, balance_after, held_after,
                           token_id, price_rule_id, actor, memo)
SELECT wallet.tenant_id, 'hold', task.id::text, 0, %(price)s, wallet.balance, wallet.held,
       %(token_id)s, %(price_rule_id)s, '', ''
FROM wallet, task
"""

_HOLD_ALONE = f"""
WITH {HOLD}, task AS (SELECT %(reference)s AS id FROM wallet), entry AS ({HOLD_ENTRY})
SELECT FROM wallet
"""  # noqa: S608  the parts are constants

# Ends a hold. `amount` is what the tenant pays of it: all, a cheaper mode's price, or nothing.
# What is given back is read from the hold itself. A second end of the same hold breaks the
# constraint `hold_ends_once` and with it the whole statement.
_END = """
WITH hold AS (
    SELECT * FROM billing_entry WHERE reference = %(reference)s AND kind = 'hold'
), wallet AS (
    UPDATE billing_wallet
    SET balance = billing_wallet.balance - %(amount)s, held = billing_wallet.held - hold.held
    FROM hold WHERE billing_wallet.tenant_id = hold.wallet_id
    RETURNING billing_wallet.tenant_id, billing_wallet.balance, billing_wallet.held
), token AS (
    UPDATE billing_token
    SET held = billing_token.held - hold.held, spent = billing_token.spent + %(amount)s
    FROM hold, wallet WHERE billing_token.id = hold.token_id
)
INSERT INTO billing_entry (wallet_id, kind, reference, amount, held, balance_after, held_after,
                           token_id, price_rule_id, actor, memo)
SELECT wallet.tenant_id, %(kind)s, hold.reference, -%(amount)s::bigint, -hold.held, wallet.balance,
       wallet.held, hold.token_id, hold.price_rule_id, %(actor)s, %(memo)s
FROM hold, wallet
"""

_TOPUP = """
WITH wallet AS (
    UPDATE billing_wallet SET balance = balance + %(amount)s
    WHERE tenant_id = %(tenant_id)s
    RETURNING tenant_id, balance, held
)
INSERT INTO billing_entry (wallet_id, kind, reference, amount, held, balance_after, held_after,
                           actor, memo)
SELECT tenant_id, 'topup', %(reference)s, %(amount)s, 0, balance, held, %(actor)s, %(memo)s
FROM wallet
"""

_WHY_REFUSED = """
SELECT wallet.balance - wallet.held + wallet.credit_limit AS available, token.is_active,
       token.budget - token.spent - token.held AS budget_left
FROM billing_wallet wallet JOIN billing_token token USING (tenant_id)
WHERE wallet.tenant_id = %(tenant_id)s AND token.id = %(token_id)s
"""


def hold(*, tenant_id: int, token_id: int, price: int, price_rule_id: int, reference: str) -> None:
    """Holds `price` micro-units for a drawing that is confirmed later than it was begun.

    Raises QuotaNotEnough. (A submit's hold is part of relay/statements.py's SUBMIT.)
    """
    params: dict[str, int | str] = {"tenant_id": tenant_id, "token_id": token_id}
    params |= {"price": price, "price_rule_id": price_rule_id, "reference": reference}
    if sql.fetch_one(_HOLD_ALONE, params) is None:
        raise refusal(tenant_id=tenant_id, token_id=token_id)


def capture(*, reference: str, amount: int, memo: str = "") -> None:
    """The drawing succeeded: `amount` micro-units of the hold are paid, the rest is free again."""
    _end(reference=reference, kind=Entry.Kind.CAPTURE, amount=amount, memo=memo)


def release(*, reference: str, memo: str = "") -> None:
    """The drawing came to nothing: the whole hold is free again, for wallet and key."""
    _end(reference=reference, kind=Entry.Kind.RELEASE, amount=0, memo=memo)


def _end(*, reference: str, kind: str, amount: int, memo: str) -> None:
    params = {"reference": reference, "kind": kind, "amount": amount, "actor": "", "memo": memo}
    if sql.execute(_END, params) != 1:
        raise LookupError(f"there is no hold {reference}")


def topup(*, tenant_id: int, amount: int, reference: str, actor: str, memo: str = "") -> None:
    """Adds bought money, `amount` micro-units, once per reference.

    Raises ValueError for an amount that is not positive, Wallet.DoesNotExist, and
    django.db.IntegrityError when this reference has been booked before.
    """
    if amount <= 0:
        raise ValueError("a top-up must be positive")
    params = {"tenant_id": tenant_id, "amount": amount, "reference": reference}
    if sql.execute(_TOPUP, params | {"actor": actor, "memo": memo}) != 1:
        raise Wallet.DoesNotExist


def refusal(*, tenant_id: int, token_id: int) -> QuotaNotEnough:
    """Why a hold was refused, in words for the tenant."""
    row = sql.fetch_one(_WHY_REFUSED, {"tenant_id": tenant_id, "token_id": token_id})
    if row is not None and row.budget_left is not None and row.budget_left < row.available:
        return QuotaNotEnough("quota_not_enough: the budget of this key is used up")
    return QuotaNotEnough("quota_not_enough: the balance is too low for this action")
