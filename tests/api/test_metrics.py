"""/metrics: for the operator's Prometheus and nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.api.shapes import assert_refused
from tests.stack import Stack


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
    env = stack_env | {"METRICS_TOKEN": "open sesame", "RELAY_VAR": str(folder)}
    web = Stack(folder=folder, env=env, drawing_seconds=1)
    web.start("web")
    yield web
    web.kill("web")


def test_a_token_opens_them_from_everywhere(guarded: Stack) -> None:
    token = {"Authorization": "Bearer open sesame", "X-Forwarded-For": "203.0.113.9"}
    assert read(guarded, **token).status_code == 200
    for wrong in ({}, {"Authorization": "Bearer sesame"}, {"Authorization": "Bearer \u00e9"}):
        assert_refused(read(guarded, **wrong), 401, "invalid_api_key")
