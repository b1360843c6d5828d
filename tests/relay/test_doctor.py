"""`manage.py doctor` and the nightly proof: over one snapshot, once a night, and not silently."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bench.seed import seed
from billing import ledger
from billing.models import Delivery, Notice, Tenant, Wallet
from common.proofs import look, snapshot
from relay.models import ProofRun
from relay.watch import nightly, proofs
from tests.races.together import returned, together

SUMS = "a wallet is the sum of its entries"


def doctor(*arguments: str) -> tuple[int, str]:
    """(exit status, what it printed)"""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def wrong_wallet(past: str) -> Iterator[Wallet]:
    """A cent has come from nowhere."""
    wallet = Wallet.objects.filter(balance__gt=0).earliest("id")
    Wallet.objects.filter(pk=wallet.pk).update(balance=wallet.balance + 1)
    yield wallet
    Wallet.objects.filter(pk=wallet.pk).update(balance=wallet.balance)


@pytest.fixture
def no_runs(past: str) -> None:
    ProofRun.objects.all().delete()


def test_of_right_books_it_says_so(past: str) -> None:
    status, printed = doctor()
    assert status == 0
    assert "WRONG" not in printed
    assert f"ok     {SUMS}\n" in printed
    assert "600 tasks and 1," in printed
    assert printed.endswith("the books are right\n")


def test_of_wrong_books_it_names_what_is_wrong_and_fails(wrong_wallet: Wallet) -> None:
    status, printed = doctor()
    assert status == 1
    assert f"WRONG  {SUMS}\n         wallet {wrong_wallet.pk}: balance " in printed
    assert printed.count("WRONG") == 1
    assert printed.endswith(": 1 contradictions\n")


def test_it_also_speaks_json(wrong_wallet: Wallet) -> None:
    status, printed = doctor("--json")
    told = json.loads(printed)
    assert (status, told["wrong"], told["tasks"]) == (1, 1, 600)
    assert told["seconds"] < 60
    (promise,) = [promise for promise in told["promises"] if promise["number"]]
    assert promise["promise"] == SUMS
    assert promise["findings"][0].startswith(f"wallet {wrong_wallet.pk}: ")


def test_of_many_contradictions_it_tells_some(past: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_wallet SET open_holds = open_holds + 1")
        wallets = cursor.rowcount
    status, printed = doctor("--limit", "2")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_wallet SET open_holds = open_holds - 1")
    assert status == 1
    assert f"         and {wallets - 2} more\n" in printed


def test_a_limit_below_one_is_refused(past: str) -> None:
    with pytest.raises(CommandError):
        doctor("--limit", "0")


def test_what_happens_meanwhile_contradicts_nothing(past: str) -> None:
    tenant = Tenant.objects.earliest("id")

    def pay() -> None:
        ledger.topup(tenant_id=tenant.pk, amount=5, reference="meanwhile", actor="test")

    with snapshot():
        before = proofs.size()
        first, *rest = proofs.PROOFS
        verdicts = look(first, limit=9)
        together([pay])
        assert proofs.size() == before
        verdicts += [verdict for proof in rest for verdict in look(proof, limit=9)]
    assert [verdict for verdict in verdicts if verdict.number] == []
    assert proofs.size().entries == before.entries + 1


def test_the_seed_is_for_an_empty_database(past: str) -> None:
    with pytest.raises(SystemExit, match="not empty"):
        seed(tasks=10)


@pytest.mark.parametrize(
    ("moment", "night"), [((21, 2, 59), 20), ((21, 3, 0), 21), ((21, 23, 59), 21), ((22, 0, 1), 21)]
)
def test_a_night_begins_at_its_hour(moment: tuple[int, int, int], night: int) -> None:
    day, hour, minute = moment
    assert nightly.night(datetime(2026, 11, day, hour, minute, tzinfo=UTC)).day == night


def test_the_books_are_proven_once_a_night(no_runs: None) -> None:
    assert sorted(returned(together([nightly.run] * 6))) == [False] * 5 + [True]
    assert not nightly.run()
    run = ProofRun.objects.get()
    assert (run.number, run.findings) == (0, [])
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at
    assert not Notice.objects.filter(kind=nightly.BOOKS_WRONG).exists()


def test_the_run_of_a_dead_worker_is_taken_over(no_runs: None) -> None:
    now = timezone.now()
    died = ProofRun.objects.create(night=nightly.night(now), started_at=now - nightly.LEASE / 2)
    assert not nightly.run()
    ProofRun.objects.filter(pk=died.pk).update(started_at=now - nightly.LEASE * 2)
    assert nightly.run()
    assert ProofRun.objects.get().finished_at is not None


def test_operators_are_told_of_a_contradiction(
    no_runs: None, wrong_wallet: Wallet, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATOR_MAILS = ["ops@relay.example", "boss@relay.example"]
    settings.OPERATOR_NOTICE_HOOK = "https://ops.example/relay"
    assert nightly.run()
    run = ProofRun.objects.get()
    assert run.number == 1
    assert run.findings[0].startswith(f"{SUMS}: wallet {wrong_wallet.pk}: ")
    notice = Notice.objects.get(kind=nightly.BOOKS_WRONG)
    assert notice.tenant is None
    assert notice.data == {"proof_run": run.pk, "number": 1, "findings": run.findings}
    assert run.findings[0] in notice.text
    assert {(row.way, row.address) for row in Delivery.objects.filter(notice=notice)} == {
        ("mail", "ops@relay.example"),
        ("mail", "boss@relay.example"),
        ("hook", "https://ops.example/relay"),
    }
    assert f"wallet {wrong_wallet.pk}" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_proof_that_breaks_off_is_told_as_well(no_runs: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE relay_callback RENAME TO gone")
    try:
        assert nightly.run()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO relay_callback")
    run = ProofRun.objects.get()
    assert run.number == 1
    assert run.findings[0].startswith(nightly.BROKE_OFF)
    assert Notice.objects.filter(data__proof_run=run.pk).exists()


def test_old_runs_are_forgotten(no_runs: None) -> None:
    long_ago = timezone.now() - nightly.KEPT - timedelta(days=1)
    ProofRun.objects.create(night=long_ago.date(), started_at=long_ago, finished_at=long_ago)
    assert nightly.run()
    assert ProofRun.objects.get().night == nightly.night(timezone.now())
