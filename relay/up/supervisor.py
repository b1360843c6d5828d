"""supervisord: its configuration, its start, and what we ask of it while it runs.

It was chosen because it restarts a program that dies, and keeps and rotates their logs.
"""

import http.client
import os
import resource
import shlex
import socket
import subprocess
import sys
import xmlrpc.client  # nosec B411
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from common import processes
from common.processes.records import Records
from relay.up import embedded
from relay.up.programs import Program
from relay.up.servers import BASE_DIR, recorded

NAME = "supervisord"
FILES_WANTED = 16_384
# The program that keeps failing is tried again after 1, 2, 3... seconds; never given up.
START_TRIES = 1_000_000
SHUTDOWN_SECONDS = 1
TERMINATE_SECONDS = 6
ANSWER_SECONDS = 2
STOPPED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
# What a supervisor that is still starting, or gone, answers with.
NO_ANSWER = (OSError, http.client.HTTPException, xmlrpc.client.Error)


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket. Unlike supervisor's own it does not wait for ever."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("supervisor", timeout=ANSWER_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.sock.connect(str(self._path))
        return connection


class Supervisor:
    def __init__(self, var: Path, records: Records) -> None:
        self._var = var
        self._records = records
        self._socket = embedded.socket_dir(var) / "supervisor.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._programs: list[Program] = []

    def start(self, programs: list[Program], environment: Mapping[str, str]) -> None:
        """Starts supervisord and, with it, the embedded servers."""
        self._programs = programs
        configuration = self._var / "supervisord.conf"
        configuration.write_text(self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        with (self._var / "log" / "supervisord.out").open("wb") as output:
            self._process = subprocess.Popen(
                recorded(self._records, parent="up", name=NAME, command=command),
                cwd=BASE_DIR,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for `up` alone, which stops the others in order.
                start_new_session=True,
            )
        # It looks at its programs once a second, or when it is asked something.
        processes.wait_until(
            lambda: self._answers() or not self.is_running(), seconds=ANSWER_SECONDS
        )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start_app(self) -> None:
        for program in self._programs:
            if not program.is_server:
                self._call("startProcess", program.name, False)

    def pids(self) -> dict[str, int]:
        """The pid of every program that runs; empty when the supervisor does not answer."""
        try:
            return {row["name"]: row["pid"] for row in self._rows() if row["pid"]}
        except NO_ANSWER:
            return {}

    def state(self, name: str) -> str:
        """supervisord's word for it ("RUNNING"); empty when it does not answer."""
        try:
            return next((row["statename"] for row in self._rows() if row["name"] == name), "")
        except NO_ANSWER:
            return ""

    def stop(self) -> None:
        """Stops the app, then the servers it needs, then itself."""
        if self._process is None:
            return
        with suppress(*NO_ANSWER):
            self._stop([program for program in self._programs if not program.is_server])
            self._stop([program for program in self._programs if program.is_server])
            self._call("shutdown")
            self._wait(SHUTDOWN_SECONDS)
        # Its socket may be gone (somebody removed the folder); a signal always finds it.
        if self.is_running():
            self._process.terminate()
            self._wait(TERMINATE_SECONDS)

    def _wait(self, seconds: float) -> None:
        processes.wait_until(lambda: not self.is_running(), seconds=seconds)

    def _stop(self, programs: list[Program]) -> None:
        names = {program.name for program in programs}

        def running() -> list[str]:
            states = {row["name"]: row["statename"] for row in self._rows()}
            return [name for name in names if states[name] not in STOPPED]

        for name in running():
            self._call("stopProcess", name, False)
        # supervisord itself kills what has not stopped by then.
        longest = max((program.stop_seconds for program in programs), default=0) + 1
        processes.wait_until(lambda: not running(), seconds=longest)

    def _answers(self) -> bool:
        try:
            return bool(self._rows())
        except NO_ANSWER:
            return False

    def _rows(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))

    def _call(self, method: str, *arguments: object) -> object:
        with xmlrpc.client.ServerProxy("http://supervisor", _Transport(self._socket)) as server:
            return getattr(server.supervisor, method)(*arguments)

    def _configuration(self) -> str:
        sections = [_supervisord(self._var), _control(self._socket)]
        for number, program in enumerate(self._programs):
            command = recorded(
                self._records, parent=NAME, name=program.name, command=program.command
            )
            sections.append(_program(program, command, number, self._var / "log"))
        return "\n\n".join(sections) + "\n"


def _supervisord(var: Path) -> str:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    lines = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": f"{var}/log/supervisord.log",
        "logfile_maxbytes": "5MB",
        "logfile_backups": "1",
        "pidfile": f"{var}/supervisord.pid",
        "minfds": str(files),
    }
    if os.geteuid() == 0:
        lines["user"] = "root"
    return _section("supervisord", lines)


def _control(socket: Path) -> str:
    factory = "supervisor.rpcinterface:make_main_rpcinterface"
    return "\n\n".join(
        [
            _section("unix_http_server", {"file": str(socket), "chmod": "0700"}),
            _section("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": factory}),
        ]
    )


def _program(program: Program, command: list[str], priority: int, logs: Path) -> str:
    lines = {
        "command": shlex.join(command),
        "directory": str(BASE_DIR),
        "priority": str(priority),
        "autostart": "true" if program.is_server else "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(START_TRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        # A server's own children end with it; workers must not outlive their master.
        "killasgroup": "true",
        "redirect_stderr": "true",
        # supervisord expands this one twice.
        "stdout_logfile": _escape(f"{logs}/{program.name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "3",
    }
    return _section(f"program:{program.name}", lines)


def _section(name: str, lines: Mapping[str, str]) -> str:
    body = [f"{key} = {_escape(value)}" for key, value in lines.items()]
    return "\n".join([f"[{name}]", *body])


def _escape(value: str) -> str:
    """A percent sign begins one of supervisord's expressions."""
    return value.replace("%", "%%")
