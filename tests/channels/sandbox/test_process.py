"""Starting and stopping."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .running import REPOSITORY, Sandbox, eventually, start


def test_a_taken_port_is_said_in_one_line(sandbox: Sandbox) -> None:
    port = sandbox.address.rsplit(":", 1)[1]
    second = subprocess.run(
        [sys.executable, "-m", "channels.sandbox", "--port", port],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    taken = f"sandbox upstream cannot listen on 127.0.0.1:{port}: the port is taken\n"
    assert second.stderr == taken


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_although_requests_hang(number: signal.Signals) -> None:
    sandbox = start(drawing_seconds=600)
    hook = sandbox.inbox("hanging?sleep=60")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(sandbox.imagine, "zzhang", notifyHook=hook)
        eventually(lambda: sandbox.helper("inbox/hanging"))
        began = time.monotonic()
        sandbox.process.send_signal(number)
        assert sandbox.process.wait(30) == 0
        assert time.monotonic() - began < 10
        assert isinstance(hanging.exception(), requests.ConnectionError)


def test_it_needs_no_django() -> None:
    look = "import sys, channels.sandbox.server; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=REPOSITORY, check=False).returncode == 0
