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
    "tests/api/test_callbacks.py": 44,
    "tests/api/test_chain.py": 30,
    "tests/api/test_client_bots.py": 22,
    "tests/api/test_client_programs.py": 22,
    "tests/api/test_every_route.py": 56,
    "tests/api/test_examples.py": 27,
    "tests/api/test_kept_results.py": 23,
    "tests/api/test_modals.py": 30,
    "tests/api/test_modes.py": 25,
    "tests/api/test_picture_hosts.py": 23,
    "tests/api/test_results_on_s3.py": 24,
    "tests/api/test_upstream_answers.py": 23,
    "tests/api/test_waiting.py": 21,
    "tests/api/v1/test_hostile.py": 62,
    "tests/bench/test_bench.py": 136,
    "tests/bench/test_console.py": 70,
    "tests/bench/test_following_bench.py": 85,
    "tests/bench/test_plans.py": 17,
    "tests/billing/test_statement_size.py": 20,
    "tests/browser/console/test_a_day.py": 80,
    "tests/browser/console/test_accounts.py": 67,
    "tests/browser/console/test_callbacks.py": 19,
    "tests/browser/console/test_channels.py": 75,
    "tests/browser/console/test_chinese.py": 49,
    "tests/browser/console/test_every_page.py": 68,
    "tests/browser/console/test_keys.py": 35,
    "tests/browser/console/test_money.py": 86,
    "tests/browser/console/test_parts.py": 16,
    "tests/browser/console/test_playground.py": 76,
    "tests/browser/console/test_prices.py": 70,
    "tests/browser/console/test_site_pages.py": 51,
    "tests/browser/console/test_tasks.py": 50,
    "tests/console/test_every_value_of_tenants.py": 360,
    "tests/console/test_every_value_of_the_site.py": 391,
    "tests/console/test_roles.py": 122,
    "tests/console/test_safety.py": 80,
    "tests/faults/chaos/test_chaos.py": 52,
    "tests/faults/test_broker.py": 52,
    "tests/faults/test_database.py": 22,
    "tests/faults/test_hostile_submits.py": 28,
    "tests/faults/test_hung_database.py": 28,
    "tests/faults/test_kills.py": 41,
    "tests/faults/test_never_ending.py": 19,
    "tests/faults/test_probes.py": 41,
    "tests/faults/test_time.py": 27,
    "tests/fuzz/test_bodies.py": 15,
    "tests/operation/test_backup.py": 42,
    "tests/operation/test_change_of_secrets.py": 18,
    "tests/operation/test_restore_drill.py": 17,
    "tests/operation/test_rolling_restart.py": 65,
    "tests/races/test_limits.py": 20,
    "tests/random/test_books_under_anything.py": 50,
    "tests/run/test_life.py": 50,
    "tests/run/test_refusals.py": 15,
    "tests/scale/test_commands.py": 39,
    "tests/scale/test_pgbouncer.py": 19,
    "tests/scale/test_replicas.py": 60,
    "tests/security/test_drain.py": 21,
    "tests/security/test_slow_clients.py": 97,
    "tests/security/test_time_outs.py": 23,
    "tests/weeks/test_retention.py": 21,
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
