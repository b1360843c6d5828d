"""The servers that `make test` starts."""

import os
import subprocess
import sys

import pytest

from tests.run.machine import ROOT

pytestmark = pytest.mark.run

ASK = """
import os, psycopg, redis
print(psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT 6 * 7").fetchone()[0])
print(redis.Redis.from_url(os.environ["REDIS_URL"]).ping())
raise SystemExit(7)
"""


def test_a_command_has_servers_while_it_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay.up.temporary", sys.executable, "-c", ASK],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "", "REDIS_URL": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["42", "True"], done.stderr
    assert done.returncode == 7
