"""A site of some size moves over while one waits."""

import time
from collections.abc import Callable

from billing.models import Tenant, Token, Wallet
from tests.relay.newapi_import.old_sites import HASH, SqliteSite

USERS, KEYS_EACH = 10_000, 3
SECONDS_MAX = 90


def test_ten_thousand_users_and_thirty_thousand_keys(
    imported: Callable[..., str], site: SqliteSite
) -> None:
    numbers = range(1, USERS + 1)
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
    began = time.monotonic()
    report = imported(site)
    seconds = time.monotonic() - began
    assert seconds < SECONDS_MAX
    made = Tenant.objects.filter(name__startswith="big-")
    assert made.count() == USERS
    assert Token.objects.filter(tenant__in=made).count() == USERS * KEYS_EACH
    balances = Wallet.objects.filter(tenant__in=made).values_list("balance", flat=True)
    assert sum(balances) == 2 * 1000 * sum(numbers)
    print(f"{seconds:.1f} s")
    began = time.monotonic()
    report = imported(site)
    assert time.monotonic() - began < SECONDS_MAX
    assert ["users", "10,000", "0", "10,000", "0", "0"] in [
        line.split() for line in report.splitlines()
    ]
