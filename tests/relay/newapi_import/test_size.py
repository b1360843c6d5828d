"""A site of some size moves over while one waits."""

import time
from collections.abc import Callable

import pytest

from billing.models import Tenant, Token, Wallet
from tests.relay.newapi_import.old_sites import HASH, SqliteSite

SMALL, LARGE, KEYS_EACH = 500, 10_000, 3
# Twenty times the users may take twenty times as long; the rest is for a busy machine.
LONGER = LARGE / SMALL * 2


def fill(site: SqliteSite, numbers: range) -> None:
    site.connection.execute("BEGIN")
    site.connection.executemany(
        "INSERT INTO users (id, username, password, quota) VALUES (?, ?, ?, ?)",
        [(number, f"big-{number}", HASH, number * 1000) for number in numbers],
    )
    site.connection.executemany(
        "INSERT INTO tokens (user_id, `key`, name, unlimited_quota) VALUES (?, ?, 'key', 1)",
        [(number, f"{number:040d}{each:08d}") for number in numbers for each in range(KEYS_EACH)],
    )
    site.connection.execute("COMMIT")


def timed(run: Callable[[], str]) -> tuple[float, str]:
    began = time.monotonic()
    report = run()
    return time.monotonic() - began, report


@pytest.mark.alone
def test_ten_thousand_users_and_thirty_thousand_keys(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    fill(site, range(1, SMALL + 1))
    of_few, _ = timed(lambda: imported(site))
    numbers = range(SMALL + 1, SMALL + LARGE + 1)
    fill(site, numbers)
    of_many, _ = timed(lambda: imported(site))
    assert of_many < of_few * LONGER
    made = Tenant.objects.filter(name__startswith="big-")
    assert made.count() == SMALL + LARGE
    assert Token.objects.filter(tenant__in=made).count() == (SMALL + LARGE) * KEYS_EACH
    balances = Wallet.objects.filter(tenant__in=made).values_list("balance", flat=True)
    assert sum(balances) == 2 * 1000 * sum(range(1, SMALL + LARGE + 1))
    again, report = timed(lambda: imported(site))
    assert again < of_many * 2
    assert ["users", "10,500", "0", "10,500", "0", "0"] in [
        line.split() for line in report.splitlines()
    ]
