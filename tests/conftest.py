import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import setup_databases, teardown_databases

from billing import books
from tests import kept
from tests.accounts import Account, open_account
from tests.distribution import Distribution
from tests.faults.hostile import HostileUpstream, hostile_upstream
from tests.faults.servers import migrated, own_database
from tests.picture_host import INNER, PictureHost, picture_host
from tests.prices import PRICES
from tests.stack import Stack


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Distribution:
    return Distribution(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases the tests in tests/fuzz have made up and tried; what others have to report."""
    properties = [
        found
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for found in report.user_properties
    ]
    tried = [value for name, value in properties if name == "fuzz_cases"]
    if tried:
        terminalreporter.write_sep("=", f"{sum(tried)} fuzz cases in {len(tried)} tests")
    for name, value in properties:
        if name in ("report", "chaos"):
            terminalreporter.write_line(str(value))


THOROUGH = (
    "tests/channels/sandbox/",
    "tests/fuzz/",
    "tests/browser/",
    "tests/faults/chaos/",
    "tests/faults/test_broker.py",
    "tests/faults/test_dead_receiver.py",
    "tests/faults/test_hanging_channel.py",
    "tests/faults/test_hung_database.py",
    "tests/faults/test_json_logs.py",
    "tests/faults/test_probes.py",
    "tests/api/test_chain.py",
    "tests/api/test_costs.py",
    "tests/api/test_every_route.py",
    "tests/api/test_examples.py",
    "tests/api/test_results_on_s3.py",
    "tests/api/test_waiting.py",
    "tests/api/v1/test_book_grid.py",
    "tests/api/v1/test_callbacks.py",
    "tests/api/v1/test_drawings.py",
    "tests/api/v1/test_figures.py",
    "tests/api/v1/test_hostile.py",
    "tests/api/v1/test_openapi.py",
    "tests/api/v1/test_orders.py",
    "tests/api/v1/test_prices.py",
    "tests/api/v1/test_site.py",
    "tests/bench/",
    "tests/api/v1/test_tasks.py",
    "tests/weeks/test_carrying.py",
    "tests/billing/test_statement_size.py",
    "tests/console/accounts/test_oidc.py",
    "tests/console/accounts/test_second_factors.py",
    "tests/console/test_every_value_of_tenants.py",
    "tests/console/test_every_value_of_the_site.py",
    "tests/console/test_hostile.py",
    "tests/console/test_roles.py",
    "tests/console/test_safety.py",
    "tests/operation/test_backup.py",
    "tests/operation/test_backup_refusals.py",
    "tests/operation/test_change_of_secrets.py",
    "tests/operation/test_nginx.py",
    "tests/operation/test_restore_drill.py",
    "tests/operation/test_rolling_restart.py",
    "tests/operation/test_stopping.py",
    "tests/races/test_currency.py",
    "tests/races/test_hot_wallet.py",
    "tests/races/test_limits.py",
    "tests/races/test_old_weeks.py",
    "tests/random/test_books_under_anything.py",
    "tests/relay/newapi_import/",
    "tests/relay/test_proofs.py",
    "tests/weeks/test_retention.py",
    "tests/scale/test_commands.py",
    "tests/scale/test_pgbouncer.py",
    "tests/scale/test_replicas.py",
    "tests/security/test_requirements.py",
    "tests/security/test_slow_clients.py",
    "tests/security/test_drain.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make test-thorough` runs and `make test` does not."""
    for item in items:
        if item.nodeid.startswith(THOROUGH):
            item.add_marker(pytest.mark.thorough)


def worker_number() -> int:
    """1, 2, … for the pytest workers, 0 without any."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """Makes the test database. pytest-django would only do so for tests marked `django_db`, of
    which we have none, and everybody else would work on the real database."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": True})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """This pytest worker's database, open for the whole run: its URL.

    Nothing is rolled back or flushed: the stack's processes work on it all the time, and the
    ledger refuses it. Each test has a tenant of its own instead.
    """
    # One person of a test opens more pages in a minute than people do (tests/stack.py).
    settings.MANAGEMENT_RPM = 60_000
    # A Redis of its own, too: all these databases have the same ids.
    settings.REDIS_URL = re.sub(r"\bdb=\d+$", f"db={worker_number()}", settings.REDIS_URL)
    with django_db_blocker.unblock():
        books.publish_json(PRICES, memo="tests")
        parts = urlsplit(settings.DATABASE_URL)
        url = urlunsplit(parts._replace(path="/" + connection.settings_dict["NAME"]))
        with migrated(url):
            yield url
        connection.close()


@pytest.fixture(scope="module")
def own_database_url(database: str) -> Iterator[str]:
    """A database that nobody works on but the module's own threads and processes: its URL."""
    with own_database(database) as url:
        yield url


@pytest.fixture(scope="session")
def stack_env(database: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
    }


@pytest.fixture(scope="session")
def stack(stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running product for all tests that do not break it."""
    running = Stack(folder=tmp_path_factory.mktemp("stack"), env=stack_env, drawing_seconds=0.4)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def account(stack: Stack) -> Account:
    """A tenant with 100.00 and a channel of its own at the sandbox."""
    return open_account(stack)


@pytest.fixture
def open_an_account(stack: Stack) -> Callable[..., Account]:
    """For tests that need several, or other money."""
    return lambda **fields: open_account(stack, **fields)


@pytest.fixture
def upstream() -> Iterator[HostileUpstream]:
    """One that says what the test tells it to."""
    with hostile_upstream() as upstream:
        yield upstream


@pytest.fixture
def host() -> Iterator[PictureHost]:
    """Where the pictures of a test come from."""
    with picture_host() as running:
        yield running


@pytest.fixture
def inner_host() -> Iterator[PictureHost]:
    """The same at an address that is closed to us."""
    with picture_host(INNER) as running:
        yield running


@pytest.fixture
def unseen(database: str) -> Iterator[None]:
    """What the test writes is taken back, and no process of a running stack ever sees it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    kept.forget()


@pytest.fixture
def bystander(unseen: None, tmp_path: Path) -> Account:
    """A customer whose product is not running: what happens to it, the test does itself."""
    return open_account(Stack(folder=tmp_path, env={}, drawing_seconds=1))


@pytest.fixture
def publish_prices(database: str) -> Iterator[Callable[[str], object]]:
    """Publishes a price book for one test; the usual one is in force again after it."""
    yield books.publish_json
    books.publish_json(PRICES, memo="tests")
