"""No proof is one that cannot fail: each is shown a contradiction, and names it.

The database is one without triggers and constraints: the proofs must not rely on them.
"""

import re
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing import ledger
from billing.models import CodeBatch, RedemptionCode, Tenant, TopUp
from common import sql
from common.proofs import Promise, Proof, look
from relay.models import IdempotentRequest, Task
from relay.watch import proofs
from tests.proofs import prove

PROOF_OF = {promise.text: proof for proof in proofs.PROOFS for promise in proof.promises}

WALLET = "(SELECT min(wallet_id) FROM billing_entry WHERE kind = 'capture')"
KEY = "(SELECT min(token_id) FROM billing_entry WHERE kind = 'capture')"
PAID = """(
    SELECT min(id) FROM relay_task WHERE status = 'SUCCESS' AND hold_suffix = '' AND NOT is_test
      AND mode = 'fast' AND notify_hook <> '' AND id::text NOT IN (
        SELECT reference FROM billing_entry WHERE kind = 'refund'
      ) AND (SELECT bool_and(cost IS NOT NULL) FROM relay_attempt WHERE task_id = relay_task.id)
)"""
MODAL = "(SELECT min(id) FROM relay_task WHERE status = 'MODAL')"
CONFIRMED = "(SELECT min(id) FROM relay_task WHERE status = 'SUCCESS' AND hold_suffix <> '')"
LIVE = "(SELECT min(id) FROM relay_task WHERE status = 'SUBMITTED')"
HOLD = f"kind = 'hold' AND reference = {PAID}::text"
CAPTURE = f"kind = 'capture' AND reference = {PAID}::text"
REFUND = "id = (SELECT min(id) FROM billing_entry WHERE kind = 'refund')"
OTHER_TENANT = "(SELECT max(id) FROM billing_tenant)"
OTHER_KEY = "(SELECT max(id) FROM billing_token WHERE NOT is_test)"
MONDAY = f"date_trunc('week', to_timestamp({PAID} / 1e6) AT TIME ZONE 'UTC')::date"
CARRIED_WEEK = f"""(monday, number, amount, holds, held, paid)
    VALUES ({MONDAY}, 4321, 0, 0, 0, 0)"""
DROPPED_WEEK = f"""(monday, first_id, until_id, tasks, holds, held, paid)
    VALUES ({MONDAY}, {PAID}, {PAID} + 1, 1, 9, 0, 0)"""
COLUMNS = """wallet_id, reference, drawing, amount, held, balance_after, held_after, token_id,
    price_rule_id, price_name, mode, channel, cost, actor, memo, created_at"""

# (promise, a tampering that returns what a finding must name)
TAMPERINGS = [
    ("a wallet is the sum of its entries",
     f"UPDATE billing_wallet SET balance = balance + 1 WHERE id = {WALLET} RETURNING id"),
    ("a wallet is the sum of its entries",
     f"UPDATE billing_wallet SET held = held + 1 WHERE id = {WALLET} RETURNING id"),
    ("a wallet counts its open holds",
     f"UPDATE billing_wallet SET open_holds = open_holds + 1 WHERE id = {WALLET} RETURNING id"),
    ("no wallet is overdrawn",
     f"UPDATE billing_wallet SET balance = -1 WHERE id = {WALLET} RETURNING id"),
    ("nothing is counted below zero",
     f"UPDATE billing_wallet SET credit_limit = -1 WHERE id = {WALLET} RETURNING id"),
    ("every tenant has a wallet",
     f"DELETE FROM billing_wallet WHERE id = {WALLET} RETURNING tenant_id"),
    ("a key is the sum of its entries",
     f"UPDATE billing_token SET spent = spent + 1 WHERE id = {KEY} RETURNING id"),
    ("a key is the sum of its entries",
     f"UPDATE billing_token SET held = held + 1 WHERE id = {KEY} RETURNING id"),
    ("a key counts its open holds",
     f"UPDATE billing_token SET open_holds = open_holds + 1 WHERE id = {KEY} RETURNING id"),
    *(("a key's day, week and month are what their holds came to",
       f"UPDATE billing_token SET {period}_used = {period}_used + 1 WHERE id = {KEY} RETURNING id")
      for period in ("day", "week", "month")),
    ("a key's day, week and month are what their holds came to",
     f"UPDATE billing_token SET week_began = '1970-01-01' WHERE id = {KEY} RETURNING id"),
    ("every entry belongs to a wallet",
     f"UPDATE billing_entry SET wallet_id = 987654 WHERE {HOLD} RETURNING id"),
    ("every entry moves money as its kind says",
     f"UPDATE billing_entry SET amount = 5 WHERE {HOLD} RETURNING id"),
    ("every entry moves money as its kind says",
     f"UPDATE billing_entry SET kind = 'gift' WHERE {HOLD} RETURNING id"),
    ("what is bought is bought by a key of the wallet's tenant, test keys from test money",
     f"UPDATE billing_entry SET token_id = {OTHER_KEY} WHERE {HOLD} RETURNING id"),
    ("what is bought is bought by a key of the wallet's tenant, test keys from test money",
     f"UPDATE billing_wallet SET is_test = true WHERE id = {WALLET} RETURNING id"),
    ("what is bought is bought by a key of the wallet's tenant, test keys from test money",
     f"UPDATE billing_entry SET token_id = NULL WHERE {HOLD} RETURNING id"),
    ("what is bought has a price in a published book",
     f"UPDATE billing_entry SET price_rule_id = NULL WHERE {HOLD} RETURNING id"),
    ("what is bought has a price in a published book",
     """UPDATE billing_pricebook SET published_at = NULL, effective_at = NULL
        WHERE id = (SELECT max(id) FROM billing_pricebook WHERE published_at IS NOT NULL)
        RETURNING id"""),
    ("a price of one tenant or mode counts for no other",
     f"""UPDATE billing_pricerule SET tenant_id = 987654
         WHERE id = (SELECT price_rule_id FROM relay_task WHERE id = {PAID}) RETURNING id"""),
    ("a price of one tenant or mode counts for no other",
     f"""UPDATE billing_pricerule SET mode = 'turbo'
         WHERE id = (SELECT price_rule_id FROM relay_task WHERE id = {PAID}) RETURNING id"""),
    ("money from outside has no key and no price",
     f"""UPDATE billing_entry SET token_id = {KEY}
         WHERE id = (SELECT min(id) FROM billing_entry WHERE kind = 'topup') RETURNING id"""),
    ("only a drawing has a channel, and a cost only once",
     f"UPDATE billing_entry SET channel = 1 WHERE {HOLD} RETURNING id"),
    ("only a drawing has a channel, and a cost only once",
     f"UPDATE billing_entry SET cost = 1 WHERE {REFUND} RETURNING id"),
    ("an adjustment tells who made it and why",
     "UPDATE billing_entry SET memo = '' WHERE kind = 'adjust' RETURNING id"),
    ("every entry follows from the one before",
     f"UPDATE billing_entry SET balance_after = balance_after + 1 WHERE {CAPTURE} RETURNING id"),
    ("every entry follows from the one before",
     f"UPDATE billing_entry SET held_after = held_after + 1 WHERE {CAPTURE} RETURNING id"),
    ("every entry follows from the one before",
     """UPDATE billing_entry SET balance_after = balance_after + 1
        WHERE id = (SELECT min(id) FROM billing_entry) RETURNING id"""),
    ("a hold ends once",
     f"""INSERT INTO billing_entry (kind, {COLUMNS}) SELECT 'release', {COLUMNS}
         FROM billing_entry WHERE {CAPTURE} RETURNING reference"""),
    ("nothing is booked twice",
     f"""INSERT INTO billing_entry (kind, {COLUMNS}) SELECT 'hold', {COLUMNS}
         FROM billing_entry WHERE {HOLD} RETURNING reference"""),
    ("nothing is booked twice",
     f"""INSERT INTO billing_entry (kind, {COLUMNS}) SELECT 'topup', {COLUMNS} FROM billing_entry
         WHERE id = (SELECT min(id) FROM billing_entry WHERE kind = 'topup')
         RETURNING reference"""),
    ("nothing ends that was not held",
     f"""WITH gone AS (DELETE FROM billing_entry WHERE {HOLD} RETURNING reference)
         SELECT id FROM billing_entry JOIN gone USING (reference) WHERE kind = 'capture'"""),
    *(("an end gives back its whole hold, after it, to the same wallet and key",
       f"UPDATE billing_entry SET {change} WHERE {CAPTURE} RETURNING id")
      for change in ("held = held - 1", "wallet_id = wallet_id + 1", f"token_id = {OTHER_KEY}",
                     "token_id = NULL", "id = -id")),
    ("no more is paid than was held",
     f"UPDATE billing_entry SET amount = amount * 10 WHERE {CAPTURE} RETURNING id"),
    *(("an end says what was bought, as its hold does",
       f"UPDATE billing_entry SET {change} WHERE {CAPTURE} RETURNING id")
      for change in ("price_name = 'mj_video'", "mode = 'turbo'", "price_rule_id = NULL")),
    ("nothing is refunded that was not paid",
     f"""WITH gone AS (
             DELETE FROM billing_entry WHERE kind = 'capture'
             AND reference = (SELECT reference FROM billing_entry WHERE {REFUND}) RETURNING *
         ) SELECT id FROM billing_entry WHERE {REFUND}"""),
    ("nothing is refunded that was not paid",
     f"UPDATE billing_entry SET id = -id WHERE {REFUND} RETURNING id"),
    ("no more is refunded than was paid",
     f"UPDATE billing_entry SET amount = amount * 2 + 1 WHERE {REFUND} RETURNING id"),
    *(("a refund goes where the payment came from, and says what was bought",
       f"UPDATE billing_entry SET {change} WHERE {REFUND} RETURNING id")
      for change in (f"token_id = {OTHER_KEY}", "wallet_id = wallet_id + 1", "channel = NULL",
                     "price_name = 'mj_video'", "mode = 'turbo'", "price_rule_id = NULL")),
    ("every redeemed code is in the ledger",
     f"""UPDATE billing_redemptioncode SET redeemed_by_id = {OTHER_TENANT}, redeemed_at = now()
         WHERE redeemed_at IS NULL RETURNING id"""),
    ("every code in the ledger was redeemed",
     """UPDATE billing_redemptioncode SET redeemed_by_id = NULL, redeemed_at = NULL
        WHERE redeemed_at IS NOT NULL RETURNING 'code-' || id"""),
    ("a code brings what it is worth to who redeemed it",
     """UPDATE billing_codebatch SET amount = amount + 1
        WHERE id IN (SELECT batch_id FROM billing_redemptioncode WHERE redeemed_at IS NOT NULL)
        RETURNING amount"""),
    ("a code brings what it is worth to who redeemed it",
     f"""UPDATE billing_redemptioncode SET redeemed_by_id = {OTHER_TENANT}
         WHERE redeemed_at IS NOT NULL RETURNING redeemed_by_id"""),
    ("every paid order is in the ledger",
     "UPDATE billing_topup SET state = 'paid' WHERE state = 'disputed' RETURNING id"),
    ("every order in the ledger was paid",
     """UPDATE billing_topup SET state = 'pending' WHERE state = 'paid'
        RETURNING 'topup-' || number"""),
    ("an order brings what was ordered to who ordered it",
     "UPDATE billing_topup SET amount = amount + 1 WHERE state = 'paid' RETURNING amount"),
    ("closed days are the sum of the days",
     """UPDATE billing_earnedday SET revenue = revenue + 1
        WHERE id = (SELECT min(id) FROM billing_earnedday WHERE captures > 0) RETURNING day"""),
    ("closed days of keys are the sum of the days",
     """DELETE FROM billing_earnedkey
        WHERE id = (SELECT min(id) FROM billing_earnedkey WHERE captures > 0)
        RETURNING token_id"""),
    ("closed days of keys and actions are the sum of the days",
     """UPDATE billing_earnedkeyaction SET mode = 'turbo'
        WHERE id = (SELECT min(id) FROM billing_earnedkeyaction WHERE captures > 0)
        RETURNING token_id"""),
    ("closed days of keys and channels are the sum of the days",
     """UPDATE billing_earnedkeychannel SET captures = captures + 1
        WHERE id = (SELECT min(id) FROM billing_earnedkeychannel WHERE captures > 0)
        RETURNING token_id"""),
    *(("the daily roll-up is the sum of the entries",
       f"""UPDATE billing_usageday SET {change}
           WHERE id = (SELECT min(id) FROM billing_usageday WHERE kind = 'capture')
           RETURNING wallet_id""")
      for change in ("number = number + 1", "amount = amount - 1", "held = held + 1",
                     "cost = cost + 1", "cost_unknown = cost_unknown + 1", "mode = 'turbo'",
                     "channel = channel + 1")),
    ("the daily roll-up is the sum of the entries",
     """DELETE FROM billing_usageday WHERE id = (SELECT min(id) FROM billing_usageday)
        RETURNING wallet_id"""),
    *(("every task has the entries that its status demands",
       f"UPDATE relay_task SET status = '{status}' WHERE id = {PAID} RETURNING id")
      for status in ("FAILURE", "CANCEL", "MODAL", "IN_PROGRESS", "NOT_START", "LOST")),
    ("every task has the entries that its status demands",
     f"DELETE FROM billing_entry WHERE {HOLD} RETURNING reference"),
    ("every task has the entries that its status demands",
     f"DELETE FROM billing_entry WHERE {CAPTURE} RETURNING reference"),
    *(("a task holds its price, by its key and price rule",
       f"UPDATE relay_task SET {change} WHERE id = {PAID} RETURNING id")
      for change in ("price = price + 1", f"token_id = {OTHER_KEY}", "price_rule_id = 1")),
    ("a task is paid from the wallet of its tenant, test tasks from test money",
     f"UPDATE relay_task SET tenant_id = {OTHER_TENANT} WHERE id = {PAID} RETURNING id"),
    ("a task is paid from the wallet of its tenant, test tasks from test money",
     f"UPDATE relay_task SET is_test = true WHERE id = {PAID} RETURNING id"),
    ("a task, its key and its channel are all test or all live, task and key of one tenant",
     f"""UPDATE channels_channel SET is_test = true
         WHERE id = (SELECT channel_id FROM relay_task WHERE id = {PAID}) RETURNING id"""),
    ("a task, its key and its channel are all test or all live, task and key of one tenant",
     f"UPDATE billing_token SET is_test = NOT is_test WHERE id = {KEY} RETURNING id"),
    ("a task, its key and its channel are all test or all live, task and key of one tenant",
     f"UPDATE billing_token SET tenant_id = {OTHER_TENANT} WHERE id = {KEY} RETURNING id"),
    ("a drawing costs its price, or that of a cheaper mode it was drawn in",
     f"""UPDATE relay_task SET mode_prices = '{{"fast": 1}}' WHERE id = {PAID} RETURNING id"""),
    ("a drawing costs its price, or that of a cheaper mode it was drawn in",
     f"UPDATE billing_entry SET amount = amount + 1 WHERE {CAPTURE} RETURNING id"),
    ("a payment names the channel that drew",
     f"UPDATE billing_entry SET channel = channel + 1 WHERE {CAPTURE} RETURNING id"),
    ("a payment names the channel that drew",
     f"UPDATE billing_entry SET channel = NULL WHERE {CAPTURE} RETURNING id"),
    ("every task has the entries that its status demands",
     f"UPDATE relay_task SET is_written_off = true WHERE id = {PAID} RETURNING id"),
    ("only what was drawn is written off",
     f"UPDATE relay_task SET is_written_off = true WHERE id = {LIVE} RETURNING id"),
    ("what was drawn late is held for after its first hold was given back",
     f"UPDATE relay_task SET hold_suffix = ':late' WHERE id = {PAID} RETURNING id"),
    ("what was drawn late is held for after its first hold was given back",
     f"UPDATE relay_task SET hold_suffix = ':late' WHERE id = {LIVE} RETURNING id"),
    *(("what is asked for late has failed, or waits for its confirmation",
       f"UPDATE relay_task SET late_look_at = now() WHERE id = {which} RETURNING id")
      for which in (LIVE, PAID)),
    ("a live task is looked at again, and no other",
     "UPDATE relay_task SET next_poll_at = NULL WHERE status = 'SUBMITTED' RETURNING id"),
    ("a live task is looked at again, and no other",
     f"UPDATE relay_task SET next_poll_at = now() WHERE id = {PAID} RETURNING id"),
    ("every hold belongs to a task of its wallet's tenant",
     f"DELETE FROM relay_task WHERE id = {PAID} RETURNING id"),
    ("every hold belongs to a task of its wallet's tenant",
     f"UPDATE billing_entry SET reference = 'nobody''s' WHERE {HOLD} RETURNING id"),
    ("every hold belongs to a task of its wallet's tenant",
     f"UPDATE relay_task SET tenant_id = tenant_id + 1 WHERE id = {CONFIRMED} RETURNING id"),
    ("a hold that a later one replaced was released",
     f"""DELETE FROM billing_entry WHERE kind = 'release' AND reference = {CONFIRMED}::text
         RETURNING reference"""),
    ("every attempt belongs to a task",
     f"DELETE FROM relay_task WHERE id = {PAID} RETURNING id"),
    ("every task was handed to somebody, and its attempts are numbered",
     f"DELETE FROM relay_attempt WHERE task_id = {PAID} RETURNING task_id"),
    ("every task was handed to somebody, and its attempts are numbered",
     f"UPDATE relay_attempt SET number = number + 1 WHERE task_id = {PAID} RETURNING task_id"),
    ("every task was handed to somebody, and its attempts are numbered",
     f"DELETE FROM relay_attempt WHERE task_id = {CONFIRMED} AND number = 1 RETURNING task_id"),
    ("a task is with one upstream at most",
     f"UPDATE relay_attempt SET outcome = 'unknown' WHERE task_id = {CONFIRMED} RETURNING task_id"),
    ("a task that succeeded was drawn by the channel that accepted it",
     f"UPDATE relay_attempt SET outcome = 'refused' WHERE task_id = {PAID} RETURNING task_id"),
    ("a task that succeeded was drawn by the channel that accepted it",
     f"UPDATE relay_attempt SET outcome = 'unknown' WHERE task_id = {PAID} RETURNING task_id"),
    ("a task that succeeded was drawn by the channel that accepted it",
     f"UPDATE relay_attempt SET channel_id = 987654 WHERE task_id = {PAID} RETURNING task_id"),
    ("a task that waits for its confirmation is with nobody",
     f"""UPDATE relay_attempt SET outcome = 'sending' WHERE task_id = {MODAL} AND number = 1
         RETURNING task_id"""),
    ("a payment has the cost of its attempt",
     f"UPDATE relay_attempt SET cost = cost + 1 WHERE task_id = {PAID} RETURNING task_id"),
    ("a payment has the cost of its attempt",
     f"UPDATE relay_attempt SET cost = NULL WHERE task_id = {PAID} RETURNING task_id"),
    ("one drawing is paid once",
     f"""UPDATE relay_task SET upstream_id = drawn.upstream_id, channel_id = drawn.channel_id
         FROM relay_task drawn WHERE drawn.id = {PAID} AND relay_task.id = {CONFIRMED}
         RETURNING relay_task.id"""),
    ("every callback belongs to a task",
     f"DELETE FROM relay_task WHERE id = {PAID} RETURNING id"),
    ("every ended task with a hook has its final callback, and no other task has one",
     f"DELETE FROM relay_callback WHERE task_id = {PAID} AND is_final RETURNING task_id"),
    ("every ended task with a hook has its final callback, and no other task has one",
     f"UPDATE relay_task SET notify_hook = '' WHERE id = {PAID} RETURNING id"),
    ("every ended task with a hook has its final callback, and no other task has one",
     f"""INSERT INTO relay_callback (task_id, tenant_id, url, sequence, is_final, body, state,
                                     tries, rung, host, lane)
         SELECT task_id, tenant_id, url, 9, true, body, 'given_up', 0, 0, '', 0 FROM relay_callback
         WHERE task_id = {PAID} AND is_final RETURNING task_id"""),
    ("the final callback is the last one and tells the last state",
     f"UPDATE relay_task SET sequence = sequence + 1 WHERE id = {PAID} RETURNING id"),
    ("the final callback is the last one and tells the last state",
     f"UPDATE relay_callback SET sequence = 9 WHERE task_id = {PAID} RETURNING task_id"),
    ("callbacks go to the task's own tenant",
     f"""UPDATE relay_callback SET tenant_id = 987654 WHERE task_id = {PAID} AND is_final
         RETURNING task_id"""),
    ("a task is of the tenant whose request it came with",
     f"UPDATE relay_idempotentrequest SET tenant_id = {OTHER_TENANT} RETURNING id"),
    ("a task is of the tenant whose request it came with",
     "UPDATE relay_idempotentrequest SET is_test = true RETURNING id"),
    ("what an answered request names are tasks of its tenant",
     f"UPDATE relay_idempotentrequest SET tenant_id = {OTHER_TENANT} RETURNING id"),
    ("what an answered request names are tasks of its tenant",
     "UPDATE relay_idempotentrequest SET answer = '{\"result\":\"1,2\"}' RETURNING id"),
    ("what was carried and what stayed is how a wallet stood after its last carried entry",
     f"""INSERT INTO billing_carriedwallet (wallet_id, last_id, balance_after, held_after)
         VALUES ({WALLET}, 0, 5, 0) RETURNING wallet_id"""),
    ("carried weeks and carried days come to the same",
     f"INSERT INTO billing_carriedweek {CARRIED_WEEK} RETURNING number"),
    ("entries of a carried week are gone",
     f"INSERT INTO billing_carriedweek {CARRIED_WEEK} RETURNING monday"),
    ("nothing that was carried is held any more",
     f"""INSERT INTO billing_carriedday (wallet_id, day, kind, price_name, mode, number, amount,
                                         held, cost, cost_unknown, submits, failures)
         VALUES ({WALLET}, now(), 'hold', '', '', 1, 0, 4321, 0, 0, 0, 0) RETURNING held"""),
    *((promise, f"INSERT INTO relay_droppedweek {DROPPED_WEEK} RETURNING monday")
      for promise in (
          "what is known of the tasks of a dropped week is what the ledger tells",
          "the tasks of a dropped week are gone",
      )),
]  # fmt: skip

UNGUARD = """
DO $$
DECLARE guard record;
BEGIN
    FOR guard IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
        -- What a part has from its table goes with that.
        WHERE contype IN ('c', 'f', 'u') AND coninhcount = 0 AND conparentid = 0
          AND conrelid::regclass::text ~ '^(billing|relay|channels)_'
        -- References last: some need the uniqueness of what they refer to.
        ORDER BY contype DESC
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', guard.of,
                       guard.conname);
    END LOOP;
    FOR guard IN SELECT indexrelid::regclass AS of FROM pg_index
        WHERE indisunique AND NOT indisprimary
          AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
          AND indrelid::regclass::text ~ '^(billing|relay|channels)_'
    LOOP EXECUTE format('DROP INDEX %s', guard.of);
    END LOOP;
    FOR guard IN SELECT oid::regclass AS of FROM pg_class
        WHERE relkind IN ('r', 'p') AND oid::regclass::text ~ '^(billing|relay|channels)_'
    LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', guard.of);
    END LOOP;
END $$
"""


@pytest.fixture(scope="module")
def unguarded(past: str) -> str:
    """The past, with sales and a request, all right; and nothing that keeps anybody from wrong."""
    _sell()
    _ask()
    prove()
    assert [found for _, found in proofs.run() if found] == []
    with connection.cursor() as cursor:
        cursor.execute(UNGUARD)
    return past


def _sell() -> None:
    tenant, amount = Tenant.objects.earliest("id"), 5_000_000
    batch = CodeBatch.objects.create(name="spring", amount=amount)
    redeemed = {"redeemed_by": tenant, "redeemed_at": timezone.now()}
    code = RedemptionCode.objects.create(batch=batch, digest=b"1", **redeemed)
    RedemptionCode.objects.create(batch=batch, digest=b"2")
    order = {"tenant": tenant, "amount": amount, "pay_amount": 500, "pay_currency": "USD"}
    TopUp.objects.create(number="n1", state="paid", paid_at=timezone.now(), **order)
    TopUp.objects.create(number="n2", state="disputed", **order)
    for reference in (f"code-{code.pk}", "topup-n1"):
        ledger.topup(tenant_id=tenant.pk, amount=amount, reference=reference, actor="test")
    ledger.adjust(tenant_id=tenant.pk, amount=-1, reference="a1", actor="test", memo="a slip")


def _ask() -> None:
    task = Task.objects.filter(is_test=False).earliest("id")
    request = IdempotentRequest.objects.create(
        tenant_id=task.tenant_id, key="k", digest=b"", answer=f'{{"code":1,"result":"{task.pk}"}}'
    )
    Task.objects.filter(pk=task.pk).update(request_id=request.pk)


@pytest.fixture
def undone(unguarded: str) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _names(finding: str, named: object) -> bool:
    return re.search(rf"(?<!\d){re.escape(str(named))}(?!\d)", finding) is not None


@pytest.mark.parametrize(
    ("promise", "tampering"),
    TAMPERINGS,
    ids=[f"{number}-{promise}" for number, (promise, _) in enumerate(TAMPERINGS)],
)
def test_a_tampering_is_found_and_named(undone: None, promise: str, tampering: str) -> None:
    touched = sql.fetch_all(tampering)
    assert touched, "the tampering has touched nothing"
    (verdict,) = [
        verdict for verdict in look(PROOF_OF[promise], limit=10_000) if verdict.promise == promise
    ]
    assert verdict.number == len(verdict.findings) > 0
    for row in touched:
        assert any(_names(finding, row[0]) for finding in verdict.findings), verdict.findings


# A part is taken away by no statement that returns a row: tests/weeks/test_retention.py does it.
ELSEWHERE = {"every table that is parted by weeks has a part for the coming week"}


def test_every_promise_is_tampered_with() -> None:
    assert {promise for promise, _ in TAMPERINGS} | ELSEWHERE == set(PROOF_OF)


def test_no_two_promises_are_called_the_same() -> None:
    assert len(PROOF_OF) == sum(len(proof.promises) for proof in proofs.PROOFS)


def test_a_proof_that_finds_much_tells_some_of_it_and_counts_the_rest(undone: None) -> None:
    entries = sql.execute("UPDATE billing_entry SET balance_after = balance_after + id")
    proof: Proof = PROOF_OF["every entry follows from the one before"]
    (verdict,) = look(proof, limit=3)
    assert verdict.number == entries > 1000
    assert len(set(verdict.findings)) == 3


SCARCE = """
CREATE FUNCTION scarce() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('max_parallel_workers_per_gather') <> '0' THEN
        RAISE EXCEPTION 'could not resize shared memory segment' USING ERRCODE = 'disk_full';
    END IF;
    RETURN 7;
END $$
"""


def test_a_server_with_little_shared_memory_proves_in_one_process(undone: None) -> None:
    sql.execute(SCARCE)
    proof = Proof("(SELECT scarce() AS n) scarce", (Promise("it is not 7", "n = 7", "'%s', n"),))
    (verdict,) = look(proof, limit=1)
    assert (verdict.number, verdict.findings) == (1, ["7"])
