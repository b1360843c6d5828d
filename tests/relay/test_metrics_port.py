"""A worker that shares its folder with no web tells its counters by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.accounts import Account
from tests.stack import Stack, free_port, wait_until


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def worker(stack_env: dict[str, str], tmp_path: Path, port: int) -> Iterator[Stack]:
    """It shares the work with the running product's own."""
    own = {"RELAY_VAR": str(tmp_path), "METRICS_PORT": str(port)}
    made = Stack(folder=tmp_path, env=stack_env | own, drawing_seconds=1)
    made.spawn("worker")
    yield made
    made.stop()


def test_its_counters_can_be_read(account: Account, worker: Stack, port: int) -> None:
    def told() -> str:
        try:
            return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        except requests.ConnectionError:
            return ""

    def told_of_a_look() -> bool:
        account.finish(account.draw())
        return 'call="poll"' in told()

    wait_until(told_of_a_look, seconds=60, what="a look of the second worker")
    assert "relay_upstream_call_seconds_count" in told()
    assert worker.processes["worker"].poll() is None
