"""Which pytest worker runs which files: of the same files always the same ones, in the same order.

xdist gives the next file to whoever is free. So it was chance which tests shared a database and its
running product, and a run that passed said little about the next one.
"""

from collections import Counter
from collections.abc import Mapping

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

TEST_SECONDS = 0.1
# Files that take longer than their number of tests tells.
SECONDS: dict[str, float] = {
    "tests/api/test_callbacks.py": 42,
    "tests/api/test_chain.py": 24,
    "tests/api/test_client_programs.py": 21,
    "tests/api/test_every_route.py": 56,
    "tests/api/test_examples.py": 18,
    "tests/api/test_kept_results.py": 17,
    "tests/api/test_modals.py": 27,
    "tests/api/test_modes.py": 24,
    "tests/api/test_picture_hosts.py": 18,
    "tests/api/test_upstream_answers.py": 21,
    "tests/api/v1/test_hostile.py": 44,
    "tests/bench/test_console.py": 32,
    "tests/billing/test_statement_size.py": 22,
    "tests/browser/console/test_a_day.py": 72,
    "tests/browser/console/test_accounts.py": 54,
    "tests/browser/console/test_callbacks.py": 17,
    "tests/browser/console/test_channels.py": 78,
    "tests/browser/console/test_chinese.py": 63,
    "tests/browser/console/test_every_page.py": 85,
    "tests/browser/console/test_keys.py": 36,
    "tests/browser/console/test_money.py": 72,
    "tests/browser/console/test_parts.py": 24,
    "tests/browser/console/test_playground.py": 82,
    "tests/browser/console/test_prices.py": 52,
    "tests/browser/console/test_site_pages.py": 53,
    "tests/browser/console/test_tasks.py": 53,
    "tests/console/test_every_value_of_tenants.py": 307,
    "tests/console/test_every_value_of_the_site.py": 323,
    "tests/console/test_roles.py": 89,
    "tests/console/test_safety.py": 62,
    "tests/faults/chaos/test_chaos.py": 52,
    "tests/faults/test_broker.py": 53,
    "tests/faults/test_database.py": 23,
    "tests/faults/test_hostile_submits.py": 21,
    "tests/faults/test_hung_database.py": 28,
    "tests/faults/test_kills.py": 53,
    "tests/faults/test_never_ending.py": 22,
    "tests/faults/test_probes.py": 42,
    "tests/faults/test_receivers.py": 17,
    "tests/faults/test_time.py": 29,
    "tests/fuzz/test_schema.py": 21,
    "tests/races/test_lifecycle.py": 16,
    "tests/races/test_limits.py": 23,
    "tests/random/test_books_under_anything.py": 46,
    "tests/relay/newapi_import/test_size.py": 31,
    "tests/relay/test_status.py": 16,
    "tests/run/test_life.py": 61,
    "tests/run/test_refusals.py": 16,
}


def share(seconds: Mapping[str, float], workers: int) -> dict[str, int]:
    """Each file's worker, so that all are done at about the same time: the longest file first, each
    to who has least to do."""
    loads = [0.0] * workers
    found = {}
    for file in sorted(seconds, key=lambda file: (-seconds[file], file)):
        found[file] = loads.index(min(loads))
        loads[found[file]] += seconds[file]
    return found


class Distribution(LoadScopeScheduling):
    """One unit of work for each worker."""

    _worker_of: dict[str, int] | None = None

    def _split_scope(self, nodeid: str) -> str:
        if self._worker_of is None:
            self._worker_of = share(self._seconds(), len(self.nodes))
        return str(self._worker_of[_file(nodeid)])

    def _seconds(self) -> dict[str, float]:
        tests = Counter(map(_file, self.collection or ()))
        return {
            file: max(number * TEST_SECONDS, SECONDS.get(file, 0)) for file, number in tests.items()
        }


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
