"""Start, stop, kill: with the real servers.

The tests of this file share one machine, each finds it running; pytest's workers take whole files.
"""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.machine import PROGRAMS, Machine, command, free_ports

pytestmark = pytest.mark.run

STOP_SECONDS = 10
SECOND_START_SECONDS = 5


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    # Under root the folders above are closed to everybody else, as /root is.
    made = Machine(tmp_path_factory.mktemp("machine") / "var")
    yield made
    if made.is_up():
        made.stop()


@pytest.fixture
def running(machine: Machine) -> Machine:
    if not machine.is_up():
        machine.start()
    return machine


def test_the_first_start_says_all_one_needs(running: Machine) -> None:
    facts = running.facts
    assert facts["url"] == running.url
    for name in ("url", "operator_code", "key", "sandbox_url"):
        assert facts[name]
        assert facts[name] in running.output
    assert facts["tenant"] == "demo"
    assert facts["webhook_secret"].startswith("whsec_")
    assert f"curl -s {running.url}/mj/submit/imagine -H 'Authorization: Bearer" in running.output
    assert stat.S_IMODE((running.var / "up.json").stat().st_mode) == 0o600
    assert running.funds() == 100


def test_another_command_finds_the_running_servers(running: Machine) -> None:
    done = command(running.var, running.port, "migrate", "--check")
    assert done.returncode == 0, done.stdout


def test_status_finds_the_web_from_a_shell_that_knows_of_no_port(running: Machine) -> None:
    told = json.loads(command(running.var, free_ports(), "status", "--json").stdout)
    assert told["servers"]["web"] == "ok"
    assert not [reason for reason in told["attention"] if "web" in reason]


def test_a_second_up_in_the_same_folder_says_that_one_runs(running: Machine) -> None:
    done = command(running.var, running.port, "up")
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert "already running" in done.stdout


@pytest.mark.parametrize("name", ["web", "worker", "redis"])
def test_a_killed_program_comes_back(running: Machine, name: str) -> None:
    before = running.records.pid(name)
    running.kill(name)
    running.wait_until(lambda: running.records.pid(name) != before, seconds=5)
    running.wait_until(lambda: f"{name} died and was restarted" in running.output, seconds=5)
    running.wait_until(running.answers, seconds=15)
    assert running.funds() == 100


def test_the_master_of_the_web_alone_may_die(running: Machine) -> None:
    """Its orphaned workers hold the port; they must not keep the next master from it."""
    before = running.records.pid("web")
    (master,) = running.records.alive("web")
    os.kill(master.pid, signal.SIGKILL)
    running.wait_until(lambda: running.records.pid("web") != before, seconds=5)
    running.wait_until(running.answers, seconds=15)


@pytest.mark.alone
def test_the_second_start_is_quick(running: Machine) -> None:
    running.stop()
    assert running.start() < SECOND_START_SECONDS


def test_ctrl_c_stops_everything_and_the_next_start_keeps_the_data(running: Machine) -> None:
    facts = running.facts
    left = running.running()
    status, seconds = running.stop()
    assert status == 0
    assert seconds < STOP_SECONDS
    assert len(left) > len(PROGRAMS)
    assert not running.running()
    done = command(running.var, running.port, "migrate", "--check")
    assert done.stdout.startswith("database: ")

    running.start()
    assert running.facts == facts
    # Nobody has used it yet.
    assert facts["operator_code"] in running.output
    assert running.funds() == 100


def test_sigterm_stops_everything_too_and_the_port_may_change(running: Machine) -> None:
    status, seconds = running.stop(signal.SIGTERM)
    assert status == 0
    assert seconds < STOP_SECONDS
    assert not running.running()

    running.port = free_ports()
    running.start()
    # The sandbox has moved along, and the channel that points at it.
    assert running.ask("POST", "/mj/submit/imagine", {"prompt": "a lighthouse"})["code"] == 1


@pytest.mark.parametrize(
    "names",
    [("up", "supervisord", *PROGRAMS), ("up", "supervisord"), ("up",)],
    ids=["everything", "supervisor", "up alone"],
)
def test_after_a_kill_the_next_start_just_works(running: Machine, names: tuple[str, ...]) -> None:
    key = running.facts["key"]
    running.kill(*names)
    running.start()
    assert running.facts["key"] == key
    assert running.funds() == 100


def test_a_start_that_is_killed_midway_can_be_repeated(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "var")
    with pytest.raises(AssertionError, match="not in time"):
        machine.start(seconds=0.7)
    machine.wait_until(lambda: bool(machine.records.alive("up")), seconds=10)
    machine.kill("up")
    machine.start()
    assert machine.funds() == 100
    assert machine.stop()[0] == 0
