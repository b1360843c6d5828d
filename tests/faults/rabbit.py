"""A RabbitMQ that a test may kill."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from kombu.connection import Connection

from tests.faults.servers import OwnServer
from tests.stack import free_port, wait_until

# Debian's own program is a wrapper that changes the user.
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
START_SECONDS = 60


def rabbit_program() -> str:
    """Skips the test where there is none; CI says that there must be one."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    if os.environ.get("RABBITMQ_REQUIRED"):
        pytest.fail("there is no rabbitmq-server on this machine")
    pytest.skip("there is no rabbitmq-server on this machine")


class OwnRabbit(OwnServer):
    """Each start is an empty one: what is transient does not outlive it."""

    def __init__(self) -> None:
        super().__init__()
        self._program = rabbit_program()
        self._port, self._inner_port, self._names_port = free_port(), free_port(), free_port()
        self._names: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def start(self) -> None:
        if self._names is None:
            self._start_names()
        shutil.rmtree(self.var / "data", ignore_errors=True)
        with (self.var / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, seconds=START_SECONDS, what="RabbitMQ")

    def kill(self) -> None:
        """kill -9 of the program and of what it has started."""
        self._signal(signal.SIGKILL)
        super().kill()

    def suspend(self) -> None:
        """It holds its connections and says nothing any more."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        super().remove()
        if self._names:
            self._names.kill()
            self._names.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _start_names(self) -> None:
        """Erlang's directory of names. RabbitMQ would start one of its own that outlives it."""
        address = ["-address", "127.0.0.1", "-port", str(self._names_port)]
        self._names = subprocess.Popen(["epmd", *address], stdin=subprocess.DEVNULL)

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self._names_port)) == 0

        wait_until(listens, what="epmd")

    def _environment(self) -> dict[str, str]:
        var = self.var
        for name, text in (("env.conf", ""), ("plugins", "[].")):
            (var / name).write_text(text)
        own = {
            "HOME": str(var),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_NODENAME": f"test{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._inner_port),
            "RABBITMQ_MNESIA_BASE": str(var / "data"),
            "RABBITMQ_LOG_BASE": str(var / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(var / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(var / "advanced"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(var / "generated"),
            "RABBITMQ_CONF_ENV_FILE": str(var / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(var / "plugins"),
            "RABBITMQ_PID_FILE": str(var / "pid"),
        }
        inherited = {name: value for name, value in os.environ.items() if "RABBITMQ" not in name}
        return inherited | own

    def _answers(self) -> bool:
        with suppress(OSError), Connection(self.url, connect_timeout=1) as connection:
            connection.connect()
            return True
        return False

    def log(self) -> str:
        return Path(self.var / "log").read_text(errors="replace")
