"""The only writer of wallets, of the money fields of keys, and of ledger entries.

Each function is one statement, so wallet, key and entry change together or not at all; a refund is
two, under the wallet's lock. Every statement locks the wallet before the key: two of them can wait
for each other, never in a circle. What must hold is also written into the database: see the
constraints of Wallet and Entry.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction

from billing import budgets, money
from billing.errors import (
    ConcurrencyLimited,
    InvalidKey,
    NothingCaptured,
    Overdrawn,
    QuotaNotEnough,
    RefundRefused,
)
from billing.models import Entry, Wallet
from common import sql

_INSERT_ENTRY = """
INSERT INTO billing_entry (created_at, wallet_id, kind, reference, drawing, amount, held,
                           balance_after, held_after, token_id, price_rule_id, price_name, mode,
                           channel, cost, actor, memo)
"""

# Of drawings only, and in the one part of the ledger that their reference belongs to.
_DRAWING = "drawing_of('hold', %(reference)s)"

# -- Hold ------------------------------------------------------------------------------------------

# What a hold needs to know, and as what PostgreSQL reads it.
HOLD_COLUMNS = {
    "wallet_id": "bigint",
    "token_id": "bigint",
    "price": "bigint",
    "price_rule_id": "bigint",
    "price_name": "text",
    "mode": "text",
    "key_concurrency": "int",
    "tenant_concurrency": "int",
}


def asked(columns: Mapping[str, str]) -> str:
    """SQL: the part `asked`, a row for each of several drawings, no two of one wallet; with these
    columns, by name their type. The parameters are made by asking().

    The holds of one wallet take turns: to lock a row and then to change it in one statement, as
    only a hold does, lets two of them wait for each other (the second change goes back to the
    version of the row that the statement began with, and there the other one stands). So a
    transaction with a hold begins with it, as far as money goes.
    """
    named = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"""asked AS MATERIALIZED (
    SELECT *, pg_advisory_xact_lock(wallet_id) FROM (
        SELECT * FROM jsonb_to_recordset(%(asked)s::jsonb) AS one ({named})
        ORDER BY wallet_id LIMIT %(number)s::int
    ) one
)"""  # noqa: S608  the parts are constants


def asking(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of a statement with asked(). The limit keeps PostgreSQL from thinking that
    they are a hundred."""
    return {"asked": orjson.dumps(several).decode(), "number": len(several)}


# Parts of one data-modifying statement that relay/submits/statements.py joins with the task's own
# parts: asked(), HOLD, then a part `task(id, token_id)` that inserts from HELD (no money, no task),
# then HOLD_ENTRY. `payer` decides under lock; the updates cannot fail after it.
HOLD = f"""
{budgets.TODAY}, payer AS (
    SELECT asked.*, today.*
    FROM asked JOIN billing_wallet wallet ON wallet.id = asked.wallet_id
         JOIN billing_token token ON token.id = asked.token_id, today
    WHERE token.tenant_id = wallet.tenant_id AND token.is_test = wallet.is_test AND token.is_active
      AND wallet.balance - wallet.held + wallet.credit_limit >= asked.price
      AND (token.budget IS NULL OR token.budget - token.spent - token.held >= asked.price)
      AND {budgets.fit("asked.price")}
      AND (asked.tenant_concurrency IS NULL OR wallet.open_holds < asked.tenant_concurrency)
      AND (asked.key_concurrency IS NULL OR token.open_holds < asked.key_concurrency)
    FOR NO KEY UPDATE OF wallet, token
), wallet AS (
    UPDATE billing_wallet
    SET held = billing_wallet.held + payer.price, open_holds = billing_wallet.open_holds + 1
    FROM payer WHERE billing_wallet.id = payer.wallet_id
    RETURNING billing_wallet.id, billing_wallet.tenant_id, billing_wallet.is_test,
              billing_wallet.balance, billing_wallet.held
), token AS (
    UPDATE billing_token
    SET held = billing_token.held + payer.price, open_holds = billing_token.open_holds + 1,
        {budgets.HOLD}
    FROM payer JOIN wallet ON wallet.id = payer.wallet_id WHERE billing_token.id = payer.token_id
)"""  # noqa: S608  the parts are constants

# A key has one wallet, so that no two of them have the same key either.
HELD = "payer JOIN wallet ON wallet.id = payer.wallet_id"

HOLD_ENTRY = f"""
{_INSERT_ENTRY}
SELECT {budgets.MOMENT}, wallet.id, 'hold', task.id::text, drawing_of('hold', task.id::text), 0,
       payer.price, wallet.balance, wallet.held,
       token_id, price_rule_id, price_name, mode, NULL, NULL, '', ''
FROM {HELD} JOIN task USING (token_id)
"""  # noqa: S608  the parts are constants

_HOLD_ALONE = f"""
WITH {asked(HOLD_COLUMNS)}, {HOLD},
task AS (SELECT %(reference)s AS id, token_id FROM {HELD}), entry AS ({HOLD_ENTRY})
SELECT FROM wallet
"""  # noqa: S608  the parts are constants

# -- Its end ---------------------------------------------------------------------------------------

# `amount` is what the tenant pays of it: all, a cheaper mode's price, or nothing. What is given
# back is read from the hold itself. A second end of the same hold breaks the constraint
# `hold_ends_once` and with it the whole statement.
_END = f"""
WITH hold AS (
    SELECT * FROM billing_entry
    WHERE reference = %(reference)s AND kind = 'hold' AND drawing = {_DRAWING}
), wallet AS (
    UPDATE billing_wallet
    SET balance = billing_wallet.balance - %(amount)s, held = billing_wallet.held - hold.held,
        open_holds = billing_wallet.open_holds - 1
    FROM hold WHERE billing_wallet.id = hold.wallet_id
    RETURNING billing_wallet.id, billing_wallet.balance, billing_wallet.held
), token AS (
    UPDATE billing_token
    SET held = billing_token.held - hold.held, spent = billing_token.spent + %(amount)s,
        open_holds = billing_token.open_holds - 1,
        {budgets.RETURN.format(returned="hold.held - %(amount)s")}
    FROM hold, wallet WHERE billing_token.id = hold.token_id
)
{_INSERT_ENTRY}
SELECT {budgets.MOMENT}, wallet.id, %(kind)s, hold.reference, hold.drawing, -%(amount)s::bigint,
       -hold.held, wallet.balance, wallet.held, hold.token_id, hold.price_rule_id,
       hold.price_name, hold.mode, %(channel)s::bigint, %(cost)s::bigint, %(actor)s, %(memo)s
FROM hold, wallet
"""  # noqa: S608  the parts are constants

# -- Refund ----------------------------------------------------------------------------------------

_LOCK_CAPTURE = f"""
SELECT -capture.amount AS captured
FROM billing_entry capture JOIN billing_wallet wallet ON wallet.id = capture.wallet_id
WHERE capture.reference = %(reference)s AND capture.kind = 'capture'
  AND capture.drawing = {_DRAWING}
FOR NO KEY UPDATE OF wallet
"""  # noqa: S608  the parts are constants
_REFUNDED = f"""
SELECT coalesce(sum(amount), 0)::bigint AS refunded FROM billing_entry
WHERE reference = %(reference)s AND kind = 'refund' AND drawing = {_DRAWING}
"""  # noqa: S608  the parts are constants
_REFUND = f"""
WITH hold AS (
    SELECT held.created_at, paid.wallet_id, paid.reference, paid.drawing, paid.token_id,
           paid.price_rule_id, paid.price_name, paid.mode, paid.channel
    FROM billing_entry held JOIN billing_entry paid USING (reference, drawing)
    WHERE reference = %(reference)s AND drawing = {_DRAWING}
      AND held.kind = 'hold' AND paid.kind = 'capture'
), wallet AS (
    UPDATE billing_wallet SET balance = billing_wallet.balance + %(amount)s
    FROM hold WHERE billing_wallet.id = hold.wallet_id
    RETURNING billing_wallet.id, billing_wallet.balance, billing_wallet.held
), token AS (
    UPDATE billing_token
    SET spent = billing_token.spent - %(amount)s,
        {budgets.RETURN.format(returned="%(amount)s")}
    FROM hold, wallet WHERE billing_token.id = hold.token_id
)
{_INSERT_ENTRY}
SELECT {budgets.MOMENT}, wallet.id, 'refund', hold.reference, hold.drawing, %(amount)s, 0,
       wallet.balance, wallet.held, hold.token_id, hold.price_rule_id, hold.price_name, hold.mode,
       hold.channel, NULL, %(actor)s, %(memo)s
FROM hold, wallet
"""  # noqa: S608  the parts are constants

# -- Money from outside ----------------------------------------------------------------------------

# Not below what is held and what is lent.
_BOOK = f"""
WITH wallet AS (
    UPDATE billing_wallet
    SET balance = balance + %(amount)s, credit_limit = coalesce(%(credit_limit)s, credit_limit)
    WHERE tenant_id = %(tenant_id)s AND is_test = %(is_test)s
      AND balance + %(amount)s - held + coalesce(%(credit_limit)s, credit_limit) >= 0
    RETURNING id, balance, held
)
{_INSERT_ENTRY}
SELECT {budgets.MOMENT}, id, %(kind)s, %(reference)s, 0, %(amount)s, 0, balance, held, NULL, NULL,
       '', '', NULL, NULL, %(actor)s, %(memo)s
FROM wallet
"""  # noqa: S608  the parts are constants

_WHY_REFUSED = f"""
WITH {budgets.TODAY}
SELECT wallet.balance - wallet.held + wallet.credit_limit >= %(price)s AS has_money,
       (token.budget IS NULL OR token.budget - token.spent - token.held >= %(price)s)
           AND {budgets.fit("%(price)s")} AS has_budget,
       (%(tenant_concurrency)s::int IS NULL OR wallet.open_holds < %(tenant_concurrency)s::int)
           AS tenant_has_room,
       (%(key_concurrency)s::int IS NULL OR token.open_holds < %(key_concurrency)s::int)
           AS key_has_room,
       token.is_active AS key_is_active
FROM billing_wallet wallet JOIN billing_token token USING (tenant_id), today
WHERE wallet.id = %(wallet_id)s AND token.id = %(token_id)s
"""  # noqa: S608  the parts are constants


def hold(params: dict[str, Any], *, reference: str) -> None:
    """Holds the price for a drawing that is confirmed later than it was begun.

    `params`: HOLD_COLUMNS, as relay/submits/orders.py makes them for a submit too. Raises what
    refusal() returns. (A submit's hold is part of relay/submits/statements.py's SUBMIT.)
    """
    if sql.fetch_one(_HOLD_ALONE, asking([params]) | {"reference": reference}) is None:
        raise refusal(params)


def capture(
    *,
    reference: str,
    amount: int,
    channel: int | None = None,
    cost: int | None = None,
    actor: str = "",
    memo: str = "",
) -> None:
    """The drawing succeeded: `amount` micro-units of the hold are paid, the rest is free again.

    `channel` drew it and takes `cost` micro-units for that, None where it is not known. Without an
    `actor` it was the relay itself.
    """
    told = {"channel": channel, "cost": cost, "actor": actor, "memo": memo}
    _end(reference, Entry.Kind.CAPTURE, amount=amount, **told)


def release(*, reference: str, actor: str = "", memo: str = "") -> None:
    """The drawing came to nothing: the whole hold is free again, for wallet and key. A memo without
    an actor says why it is not over yet (billing/usage.py)."""
    told = {"channel": None, "cost": None, "actor": actor, "memo": memo}
    _end(reference, Entry.Kind.RELEASE, amount=0, **told)


def _end(reference: str, kind: str, **params: Any) -> None:
    if sql.execute(_END, params | {"reference": reference, "kind": kind}) != 1:
        raise LookupError(f"there is no hold {reference}")


@transaction.atomic
def refund(
    *, reference: str, amount: int | None, actor: str, memo: str, refunded_before: int | None = None
) -> int:
    """Gives a captured payment back, `amount` micro-units of it or (None) what is left of it: to
    the wallet, the key's budgets and the usage totals. Returns what was given back.

    `refunded_before` is what the caller saw refunded: if it is not so any more, nothing happens,
    and a form that is sent twice counts once. Raises NothingCaptured, RefundRefused.
    """
    captured = sql.fetch_one(_LOCK_CAPTURE, {"reference": reference})
    if captured is None:
        raise NothingCaptured(reference)
    refunded = sql.fetch_one(_REFUNDED, {"reference": reference}).refunded
    if refunded_before is not None and refunded_before != refunded:
        raise RefundRefused("it has been refunded meanwhile; look at it again")
    left = captured.captured - refunded
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise RefundRefused("a refund must be more than nothing and at most what is left to refund")
    params = {"reference": reference, "amount": amount, "actor": actor, "memo": memo}
    sql.execute(_REFUND, params)
    return amount


def topup(
    *,
    tenant_id: int,
    amount: int,
    reference: str,
    actor: str,
    memo: str = "",
    is_test: bool = False,
) -> None:
    """Adds bought money, `amount` micro-units, once per reference.

    Raises ValueError for an amount that is not positive or absurdly large, Wallet.DoesNotExist,
    and django.db.IntegrityError when this reference has been booked before.
    """
    if not 0 < amount <= money.LARGEST:
        raise ValueError("a top-up must be positive, and not absurdly large")
    _book(Entry.Kind.TOPUP, tenant_id, amount, reference, actor, memo, is_test=is_test)


def adjust(*, tenant_id: int, amount: int, reference: str, actor: str, memo: str) -> None:
    """Corrects a balance by `amount` micro-units, up or down, once per reference.

    Raises ValueError for nothing, for an absurdly large amount and without a reason, Overdrawn,
    Wallet.DoesNotExist, and django.db.IntegrityError when this reference has been booked before.
    """
    if abs(amount) > money.LARGEST:
        raise ValueError("an adjustment must not be absurdly large")
    if not amount or not memo.strip() or not actor:
        raise ValueError("an adjustment needs an amount, a reason and somebody who does it")
    _book(Entry.Kind.ADJUST, tenant_id, amount, reference, actor, memo)


def set_credit_limit(
    *, tenant_id: int, credit_limit: int, actor: str, reference: str | None = None
) -> None:
    """How far the balance may go below zero, micro-units; the ledger tells who allowed it.

    The entry has a reference of its own where none is given. Raises ValueError for a negative or
    absurdly large one, Overdrawn when more is used already, Wallet.DoesNotExist, and
    django.db.IntegrityError when this reference has been booked before.
    """
    # What is there and what is lent must fit into one number together.
    if not 0 <= credit_limit <= money.LARGEST:
        raise ValueError("a credit limit is not negative, and not absurdly large")
    reference = reference or f"credit-limit-{uuid.uuid4().hex}"
    memo = f"credit limit {money.text(credit_limit)}"
    _book(Entry.Kind.ADJUST, tenant_id, 0, reference, actor, memo, credit_limit=credit_limit)


def _book(
    kind: str,
    tenant_id: int,
    amount: int,
    reference: str,
    actor: str,
    memo: str,
    *,
    is_test: bool = False,
    credit_limit: int | None = None,
) -> None:
    params = {"kind": kind, "tenant_id": tenant_id, "amount": amount, "reference": reference}
    params |= {"actor": actor, "memo": memo, "is_test": is_test, "credit_limit": credit_limit}
    if sql.execute(_BOOK, params) != 1:
        if Wallet.objects.filter(tenant_id=tenant_id, is_test=is_test).exists():
            raise Overdrawn
        raise Wallet.DoesNotExist


def refusal(params: dict[str, Any]) -> QuotaNotEnough | ConcurrencyLimited | InvalidKey:
    """Why a hold with these parameters was refused, in words for the tenant."""
    row = sql.fetch_one(_WHY_REFUSED, params)
    if row is not None and not row.key_is_active:
        # Disabled since the caller was let in.
        return InvalidKey()
    if row is not None and row.has_money and row.has_budget:
        of_key, of_tenant = params["key_concurrency"], params["tenant_concurrency"]
        # Where there is room for all by now, there was none a moment ago.
        if of_key is not None and (row.tenant_has_room or not row.key_has_room):
            return ConcurrencyLimited("this key", of_key)
        if of_tenant is not None:
            return ConcurrencyLimited("this tenant", of_tenant)
    if row is not None and row.has_money and not row.has_budget:
        return QuotaNotEnough("quota_not_enough: the budget of this key is used up")
    return QuotaNotEnough("quota_not_enough: the balance is too low for this action")
