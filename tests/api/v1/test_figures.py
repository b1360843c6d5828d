"""Figures for pages: of the site, of its channels, of a tenant."""

from typing import Any

import pytest

from billing.models import Entry, UsageMark
from tests.api.v1.desk import Desk
from tests.stack import wait_until


@pytest.fixture
def drawn(desk: Desk) -> Desk:
    """One was paid, one failed."""
    account = desk.account
    assert account.finish(account.draw())["status"] == "SUCCESS"
    assert account.finish(account.draw("zzfail", mode="RELAX"))["status"] == "FAILURE"
    return desk


def counts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["submits"], row["successes"], row["failures"], row["revenue"], row["success_rate"]


def test_a_tenant_sees_what_it_spends_and_how_long_that_lasts(drawn: Desk) -> None:
    shown = drawn.owner.get("figures")
    assert counts(shown["last_24_hours"]) == (2, 1, 1, "0.10", 0.5)
    assert shown["last_7_days"] == shown["last_30_days"]
    assert (shown["burn_24_hours"], shown["burn_7_days"], shown["burn_a_day"]) == ("0.10",) * 3
    assert shown["days_left"] == 999
    assert shown["wallet"]["available"] == "99.90"
    assert (len(shown["hours"]), len(shown["days"])) == (24, 30)
    by_mode = {(row["price_name"], row["mode"]): counts(row)[:3] for row in shown["actions"]}
    assert by_mode == {("mj_imagine", "fast"): (1, 1, 0), ("mj_imagine", "relax"): (1, 0, 1)}
    assert "cost" not in shown["last_24_hours"]
    assert drawn.operator.get(f"{drawn.base}figures")["days"] == shown["days"]


def test_figures_stay_the_same_when_they_are_rolled_up(drawn: Desk) -> None:
    """(The stack's worker adds up every second.)"""
    before = drawn.owner.get("figures")
    wallet = drawn.account.wallet
    last = Entry.objects.filter(wallet=wallet).latest("pk").pk
    wait_until(lambda: _mark(wallet.pk) == last, what="the roll-up")
    after = drawn.owner.get("figures")
    for name in ("last_24_hours", "last_7_days", "actions", "burn_a_day"):
        assert after[name] == before[name]


def _mark(wallet_id: int) -> int:
    found = UsageMark.objects.filter(wallet=wallet_id).first()
    return 0 if found is None else found.entry_id


def test_who_spends_nothing_has_no_end_in_sight(desk: Desk) -> None:
    shown = desk.owner.get("figures")
    assert (shown["days_left"], shown["burn_a_day"]) == (None, "0.00")
    assert counts(shown["last_30_days"]) == (0, 0, 0, "0.00", None)


def test_an_overview_adds_up_all_tenants(drawn: Desk) -> None:
    shown = drawn.operator.get("overview")
    assert shown["now"]["live"] == sum(shown["now"]["tasks"].values())
    assert shown["now"]["queues"] is not None
    assert (len(shown["hours"]), len(shown["days"])) == (24, 30)
    for name in ("submits", "successes", "failures"):
        assert shown["last_24_hours"][name] == sum(row[name] for row in shown["hours"])
        assert shown["last_30_days"][name] == sum(row[name] for row in shown["days"])
    assert shown["today"] == {key: shown["days"][-1][key] for key in shown["today"]}
    assert shown["last_24_hours"]["submits"] >= 2
    again = drawn.account.finish(drawn.account.draw())
    assert again["status"] == "SUCCESS"
    later = drawn.operator.get("overview")
    assert later["last_30_days"]["successes"] == shown["last_30_days"]["successes"] + 1


def test_who_may_see_no_reports_sees_no_money_in_the_overview(drawn: Desk) -> None:
    text = drawn.site["support"].ask("GET", "overview").text
    for word in ("revenue", "refunded", "net", "cost", "margin"):
        assert f'"{word}"' not in text
    assert '"submits"' in text
    assert '"margin_at_most"' in drawn.site["finance"].ask("GET", "overview").text


def test_channels_show_how_quick_and_how_busy_they_are(drawn: Desk) -> None:
    account = drawn.account
    drawn.operator.patch(f"channels/{account.channel.pk}", concurrency=5, rpm=90)
    drawn.operator.post(f"channels/{account.channel.pk}/probe")
    account.draw("zzslow")
    found = drawn.operator.get("channels/figures")["data"]
    (shown,) = (row for row in found if row["channel_id"] == account.channel.pk)
    assert (shown["last_hour"]["attempts"], shown["last_hour"]["success_rate"]) == (3, 1)
    assert shown["last_24_hours"] == shown["last_hour"]
    assert 0 < shown["last_hour"]["median_ms"] <= shown["last_hour"]["p95_ms"]
    assert len(shown["hours"]) == 24
    assert sum(row["attempts"] for row in shown["hours"]) == 3
    assert [row["is_ok"] for row in shown["probes"]] == [True]
    load = shown["load"]
    assert (load["tasks"], load["concurrency"], load["submits"], load["rpm"]) == (1, 5, 3, 90)
