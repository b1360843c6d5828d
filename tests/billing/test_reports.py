"""What the site earns: every way of splitting it, against the entries themselves."""

import csv
import random
from datetime import date
from io import StringIO
from itertools import combinations
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing import ledger, money, reports, tenants, tokens, usage
from billing.models import Tenant, UsageMark
from billing.periods import Period
from billing.reports import DIMENSIONS, Figures
from tests.accounts import Account, open_account
from tests.ledger import hold
from tests.traffic import CHANNELS, spread, wild

# Of a time in which nobody else in this database does anything.
FIRST, LAST = date(2011, 3, 1), date(2011, 3, 4)
PERIOD = Period(FIRST, LAST)
_COLUMNS = {
    "day": "(entry.created_at AT TIME ZONE 'UTC')::date",
    "channel": "entry.channel",
    "tenant": "wallet.tenant_id",
    "key": "entry.token_id",
    "action": "entry.price_name",
    "mode": "entry.mode",
}
_FIGURES = """
count(*) FILTER (WHERE kind = 'capture'),
-coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint,
count(*) FILTER (WHERE kind = 'refund'),
coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::bigint,
count(*) FILTER (WHERE kind = 'release'),
coalesce(sum(cost), 0)::bigint,
count(*) FILTER (WHERE kind = 'capture' AND cost IS NULL)
FROM billing_entry entry JOIN billing_wallet wallet ON wallet.id = entry.wallet_id
WHERE NOT is_test AND kind IN ('capture', 'refund', 'release')
  AND created_at >= %s AND created_at < %s
"""


def expected(by: tuple[str, ...], period: Period = PERIOD) -> list[tuple[Any, ...]]:
    keys = "".join(f"{_COLUMNS[name]}, " for name in by)
    places = ", ".join(map(str, range(1, len(by) + 1)))
    grouped = f"GROUP BY {places}" if by else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {keys}{_FIGURES}{grouped}", [period.began, period.ended])
        return cursor.fetchall()


def shown(by: tuple[str, ...], period: Period = PERIOD) -> list[tuple[Any, ...]]:
    lines = reports.report(by=by, period=period).lines
    return [(*line.values, *vars(line.figures).values()) for line in lines]


@pytest.fixture
def busy(bystander: Account) -> Account:
    """Two tenants and a test key, some of their days rolled up and some not."""
    dice = random.Random(2)
    other = open_account(bystander.stack)
    for account in (bystander, other):
        wild([account], steps=30, dice=dice)
        spread(account.wallet, first=FIRST, last=date(2011, 3, 2))
    usage.roll_up()
    mark = UsageMark.objects.get(wallet=bystander.wallet).entry_id
    wild([bystander], steps=30, dice=dice)
    spread(bystander.wallet, first=date(2011, 3, 2), last=LAST, after=mark)
    play(bystander)
    return bystander


def play(account: Account) -> None:
    """A drawing of a test key."""
    wallet = tenants.open_test_wallet(account.tenant)
    token, _ = tokens.make(tenant=account.tenant, name="test", is_test=True)
    reference = hold(account, wallet_id=wallet.pk, token_id=token.pk)
    ledger.capture(reference=reference, amount=100_000, channel=CHANNELS[0], cost=1)
    spread(wallet, first=FIRST, last=LAST)


EVERY_SPLIT = [by for size in range(6) for by in combinations(DIMENSIONS, size)]


def test_every_split_is_the_entries_added_up(busy: Account) -> None:
    for period in (PERIOD, Period(FIRST, FIRST), Period(date(2011, 3, 2), date(2011, 3, 3))):
        for by in EVERY_SPLIT:
            assert sorted(map(str, shown(by, period))) == sorted(map(str, expected(by, period)))
    total = reports.report(by=(), period=PERIOD).total
    for by in EVERY_SPLIT:
        assert reports.report(by=by, period=PERIOD).total == total
    assert min(total.captures, total.refunds, total.releases, total.cost_unknown) > 3
    usage.roll_up()
    assert reports.report(by=(), period=PERIOD).total == total


def test_lines_come_in_the_order_of_what_they_are_split_by(busy: Account) -> None:
    lines = reports.report(by=("mode", "day"), period=PERIOD).lines
    values = [line.values for line in lines]
    assert values == sorted(values)
    assert [values[0][0], values[-1][0]] == ["", "turbo"]


def test_a_report_of_one_tenant_or_one_channel_has_its_lines_only(busy: Account) -> None:
    by = ("tenant", "channel")
    whole = reports.report(by=by, period=PERIOD).lines
    own = [line for line in whole if line.values[0] == busy.tenant.pk]
    assert 0 < len(own) < len(whole)
    only = reports.report(by=by, period=PERIOD, tenant_id=busy.tenant.pk)
    assert list(only.lines) == own
    channel = own[0].values[1]
    of_one = reports.report(
        by=by, period=PERIOD, tenant_id=busy.tenant.pk, channel_id=channel
    ).lines
    assert [line.values for line in of_one] == [(busy.tenant.pk, channel)]


def test_an_unknown_cost_is_not_nothing() -> None:
    known = Figures(captures=2, revenue=500, refunds=1, refunded=100, cost=150)
    assert (known.net, known.margin, known.margin_at_most) == (400, 250, 250)
    unknown = known + Figures(captures=1, revenue=50, cost_unknown=1)
    assert (unknown.net, unknown.margin, unknown.margin_at_most) == (450, None, 300)


def test_nothing_was_earned_when_nothing_happened(unseen: None) -> None:
    assert (
        reports.report(by=("day",), period=Period(date(2001, 1, 1), date(2001, 1, 9))).lines == ()
    )


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (("days",), "is split by day, channel, tenant, key, action, mode, not by 'days'"),
        (("day; DROP TABLE billing_entry",), "not by"),
        (("day", "day"), "each of these once"),
    ],
)
def test_a_report_is_split_by_what_there_is(by: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        reports.report(by=by, period=PERIOD)


def test_a_report_is_never_endless(busy: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    number = len(shown(("day",)))
    monkeypatch.setattr(reports, "LINES_MAX", number)
    assert len(shown(("day",))) == number
    monkeypatch.setattr(reports, "LINES_MAX", number - 1)
    with pytest.raises(ValueError, match=f"more than {number - 1} lines"):
        shown(("day",))


def report(*args: str) -> str:
    said = StringIO()
    call_command("report", *args, stdout=said)
    return said.getvalue()


RANGE = ("--from", "2011-03-01", "--to", "2011-03-04")


def test_the_command_names_tenants_and_channels(bystander: Account) -> None:
    """The channel by its name, one that is gone by its number."""
    for number, cost in ((bystander.channel.pk, 30_000), (2**40, None)):
        reference = hold(bystander)
        ledger.capture(reference=reference, amount=100_000, channel=number, cost=cost)
    ledger.refund(reference=reference, amount=40_000, actor="test", memo="blurred")
    ledger.release(reference=hold(bystander))
    spread(bystander.wallet, first=FIRST, last=LAST)
    name = bystander.tenant.name
    rows = list(csv.DictReader(StringIO(report("--by", "tenant,channel", *RANGE, "--csv")[1:])))
    channel = bystander.channel.name
    assert [" ".join(row.values()) for row in rows] == [
        f"{name} {channel} 1 0.10 0 0.00 0.10 0.03 0 0.07 0.07 0",
        f"{name} channel {2**40} 1 0.10 1 0.04 0.06 0.00 1  0.06 0",
        f"{name}  0 0.00 0 0.00 0.00 0.00 0 0.00 0.00 1",
        "total  2 0.20 1 0.04 0.16 0.03 1  0.13 1",
    ]
    assert list(rows[0])[:4] == ["tenant", "channel", "captures", "revenue"]


def test_the_command_shows_a_table(busy: Account) -> None:
    lines = report("--by", "day", *RANGE).splitlines()
    total = reports.report(by=("day",), period=PERIOD).total
    assert [line.split()[0] for line in lines] == [
        "day", "2011-03-01", "2011-03-02", "2011-03-03", "2011-03-04", "total",
    ]  # fmt: skip
    assert lines[-1].split()[1:3] == [str(total.captures), money.text(total.revenue)]
    # Only the total.
    assert report("--by", "", *RANGE).splitlines()[1:] == [
        line for line in report("--by", "", *RANGE).splitlines() if line.startswith("total")
    ]
    # The last thirty days, by day.
    assert report().splitlines()[0].startswith("day")


def test_a_name_in_a_report_is_no_formula(bystander: Account) -> None:
    name = f"=1+1 {bystander.tenant.pk}"
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name=name)
    ledger.release(reference=hold(bystander))
    spread(bystander.wallet, first=FIRST, last=LAST)
    rows = list(csv.reader(StringIO(report("--by", "tenant", *RANGE, "--csv")[1:])))
    assert f"'{name}" in [row[0] for row in rows]


def test_the_command_says_what_is_wrong() -> None:
    for args, says in (
        (("--by", "week"), "not by 'week'"),
        (("--from", "2026-13-01"), "is not a day like"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "ends before it begins"),
    ):
        with pytest.raises(CommandError, match=says):
            report(*args)
