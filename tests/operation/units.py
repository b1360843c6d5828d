"""deploy/systemd as systemd would have it: the units' own commands, one socket for two webs, and a
start that lasts until the unit says that it is ready."""

import configparser
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.stack import ROOT

FOLDER = ROOT / "deploy" / "systemd"
PYTHON = "/srv/relay/.venv/bin/python"
# The number of the process is only known in it.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""
START_SECONDS = 40
STOP_SECONDS = 40


def read(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # names keep their case
    parser.read(FOLDER / name)
    return parser


def command(name: str, instance: str = "") -> list[str]:
    words = shlex.split(read(name)["Service"]["ExecStart"].replace("%i", instance))
    assert words[0] == PYTHON
    return [sys.executable, *words[1:]]


class Unit:
    """A process of a unit, with the socket's file as number 3 if there is one."""

    def __init__(
        self, words: list[str], env: Mapping[str, str], log: Path, listener: socket.socket | None
    ) -> None:
        self._words, self._env, self._log, self._listener = words, env, log, listener
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it has said that it is ready, if it is one that says so."""
        if self._listener is None:
            self._spawn(self._words, {})
            return
        with tempfile.TemporaryDirectory(prefix="mjr-") as folder, _notices(folder) as notices:
            launch = [sys.executable, "-S", "-c", LAUNCH, str(self._listener.fileno())]
            self._spawn([*launch, *self._words], {"NOTIFY_SOCKET": f"{folder}/n"})
            try:
                assert notices.recv(100) == b"READY=1"
            except TimeoutError as error:
                raise AssertionError(self._log.read_text()[-3000:]) from error

    def stop(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(STOP_SECONDS) == 0
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _spawn(self, words: list[str], more: Mapping[str, str]) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env={**self._env, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._listener.fileno()] if self._listener else [],
                process_group=0,
            )


@contextmanager
def _notices(folder: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(f"{folder}/n")
        notices.settimeout(START_SECONDS)
        yield notices
