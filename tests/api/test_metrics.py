"""/metrics: for the operator's Prometheus and nobody else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.accounts import Account, open_account
from tests.api.shapes import assert_refused
from tests.stack import ROOT, Stack, wait_until


def read(stack: Stack, **headers: str) -> requests.Response:
    return requests.get(f"{stack.url}/metrics", headers=headers, timeout=10)


def test_this_machine_may_read_them(stack: Stack) -> None:
    answer = read(stack)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE relay_limits_degraded gauge" in answer.text


def test_others_may_not(stack: Stack) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert_refused(read(stack, **forwarded), 403, "ip_not_allowed")


@pytest.fixture(scope="module")
def guarded(stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("metrics")
    env = stack_env | {"METRICS_TOKEN": "open sesame, the next", "RELAY_VAR": str(folder)}
    web = Stack(folder=folder, env=env, drawing_seconds=1)
    web.start("web")
    yield web
    web.kill("web")


def test_a_token_opens_them_from_everywhere(guarded: Stack) -> None:
    token = {"Authorization": "Bearer open sesame", "X-Forwarded-For": "203.0.113.9"}
    assert read(guarded, **token).status_code == 200
    # While it is changed.
    assert read(guarded, **token | {"Authorization": "Bearer the next"}).status_code == 200
    for wrong in (
        {},
        {"Authorization": "Bearer open sesame, the next"},
        {"Authorization": "Bearer \u00e9"},
    ):
        assert_refused(read(guarded, **wrong), 401, "invalid_api_key")


def value(text: str, sample: str) -> float:
    """0 for a sample that is not there yet."""
    found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_submits_and_calls_are_counted_whichever_process_made_them(account: Account) -> None:
    """The submits in the web, the polls in the worker."""
    before = read(account.stack).text
    task_id = account.draw("a lighthouse")
    assert account.imagine("").status_code == 400
    account.finish(task_id)
    twice = [
        account.request(
            "POST",
            "/mj/submit/imagine",
            json={"prompt": "again"},
            headers={"Idempotency-Key": "metrics"},
        ).json()
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    name = account.channel.name

    def counted() -> str | None:
        text = read(account.stack).text
        polls = f'relay_upstream_call_seconds_count{{call="poll",channel="{name}"}}'
        return text if value(text, polls) else None

    text = wait_until(counted, what="a poll in the metrics")
    submits = f'relay_upstream_call_seconds_count{{call="submit",channel="{name}"}}'
    assert value(text, submits) == 2
    for outcome, least in (("accepted", 2), ("invalid_request", 1), ("replayed", 1)):
        sample = f'relay_submits_total{{outcome="{outcome}"}}'
        assert value(text, sample) >= value(before, sample) + least
    for queue in ("poll", "deliver", "default"):
        assert f'relay_queue_messages{{queue="{queue}"}}' in text
    assert value(text, "relay_database_up") == value(text, "relay_broker_up") == 1
    assert account.tenant.name not in text
    assert task_id not in text


def test_an_outcome_that_nobody_knows_is_counted_as_such(account: Account) -> None:
    sample = 'relay_submits_total{outcome="unknown"}'
    before = value(read(account.stack).text, sample)
    assert account.imagine("zzcut").status_code == 200
    text = read(account.stack).text
    assert value(text, sample) >= before + 1
    failures = "relay_upstream_call_failures_total"
    labels = f'call="submit",channel="{account.channel.name}",kind="unknown"'
    assert value(text, f"{failures}{{{labels}}}") == 1


def test_callbacks_are_counted(account: Account) -> None:
    sample = 'relay_callback_tries_total{outcome="delivered"}'
    before = value(read(account.stack).text, sample)
    account.draw("a lighthouse", notifyHook=account.stack.inbox_url(account.tenant.name))
    wait_until(lambda: value(read(account.stack).text, sample) > before, what="a callback")


TAKE = "from relay.watch import slots; print(slots.take(), flush=True); input()"


def test_a_process_takes_the_number_of_one_that_has_died(tmp_path: Path) -> None:
    """So files do not pile up, and what the dead have counted is counted on."""

    def start() -> subprocess.Popen[str]:
        env = os.environ | {"RELAY_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "relay.settings"}
        return subprocess.Popen(
            [sys.executable, "-c", TAKE], cwd=ROOT, env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def number(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline().strip()

    first = start()
    assert number(first) == "0"
    second = start()
    assert number(second) == "1"
    first.kill()
    first.wait()
    third = start()
    assert number(third) == "0"
    for process in (second, third):
        process.communicate("\n")
    assert sorted(path.name for path in (tmp_path / "metrics").iterdir()) == ["0.lock", "1.lock"]


def test_where_nothing_can_be_written_nothing_is_counted_and_all_works(
    stack_env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "metrics").write_text("a file in the place of the folder")
    web = Stack(folder=tmp_path, env=stack_env | {"RELAY_VAR": str(tmp_path)}, drawing_seconds=1)
    web.start("web", "sandbox")
    try:
        account = open_account(web)
        assert account.draw("a lighthouse")
        assert "relay_database_up 1.0" in read(web).text
        assert web.log("web").count("metrics cannot be kept") > 0
    finally:
        web.kill("web", "sandbox")
