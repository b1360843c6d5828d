"""The life of `manage.py up`, from the lock to the last stop."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.db import connections

from common import processes
from common.processes.records import Records
from relay.operators import bootstrap
from relay.up import banner, database, embedded, preflight, programs, servers
from relay.up.errors import Refusal
from relay.up.facts import Facts
from relay.up.programs import Program
from relay.up.supervisor import Supervisor

# Recovery after a kill reads the log of what was not yet written to its place.
SERVER_SECONDS = 60
READY_SECONDS = 60
READY_ANSWER_SECONDS = 2
# A program that fails at first may still come up when it is tried again.
PATIENCE_SECONDS = 6
ALIVE = {"STARTING", "RUNNING"}
WATCH_SECONDS = 0.5
# What an earlier run left behind is given this long to end by itself.
LEFTOVER_SECONDS = 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(say: Callable[[str], None]) -> None:
    """Runs everything until a signal asks it to stop. Raises Refusal."""
    var = settings.VAR_DIR
    var.mkdir(parents=True, exist_ok=True)
    preflight.check_owner(var)
    for folder in ("log",):
        (var / folder).mkdir(exist_ok=True)
    with closing(preflight.lock(var)), suppress(KeyboardInterrupt):
        _listen_to_signals()
        machine = Machine(var, say)
        try:
            machine.start()
            machine.watch()
        finally:
            machine.stop()


class Machine:
    """The programs of this machine and what `up` knows of them."""

    def __init__(self, var: Path, say: Callable[[str], None]) -> None:
        self._var = var
        self._say = say
        self._host = os.environ.get("HOST") or "127.0.0.1"
        self._port: int = settings.PORT
        self._records = Records(var / "processes")
        self._supervisor = Supervisor(var, self._records)
        self._pids: dict[str, int] = {}

    def start(self) -> None:
        if self._records.end_all(seconds=LEFTOVER_SECONDS):
            self._say("Stopped what an earlier run had left behind.")
        # The numbers of processes that have ended (relay/watch/metrics.py).
        shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
        self._records.write_own("up")
        preflight.check_ports(self._host, self._port)
        self._start_servers()
        database.migrate()
        facts = self._bootstrap()
        connections.close_all()
        self._supervisor.start_app()
        self._wait(self._is_ready, "web", READY_SECONDS)
        facts.publish()
        self._say(banner.text(facts, var=self._var))

    def watch(self) -> NoReturn:
        """One line for each program that died and was restarted."""
        while self._supervisor.is_running():
            for name, pid in self._supervisor.pids().items():
                if self._pids.get(name, pid) != pid:
                    self._say(f"{name} died and was restarted; see {self._log(name)}")
                self._pids[name] = pid
            time.sleep(WATCH_SECONDS)
        raise Refusal(
            f"The supervisor ended, so everything stopped; see {self._log('supervisord')}"
        )

    def stop(self) -> None:
        _ignore_signals()
        self._supervisor.stop()
        self._records.end_all(seconds=0)

    def _start_servers(self) -> None:
        if not settings.EMBEDDED_DATABASE:
            preflight.check_database()
        if not settings.EMBEDDED_REDIS:
            preflight.check_redis(settings.REDIS_URL)
        env = programs.environment(os.environ, is_embedded=settings.EMBEDDED_DATABASE)
        app = programs.app(host=self._host, port=self._port, var=self._var)
        servers.prepare_sockets(self._var)
        self._supervisor.start([*self._embedded(), *app], env)
        if settings.EMBEDDED_DATABASE:
            self._wait(lambda: servers.postgres_answers(self._var), "postgres", SERVER_SECONDS)
            servers.create_database(self._var)
        if settings.EMBEDDED_REDIS:
            self._wait(lambda: servers.redis_answers(self._var), "redis", SERVER_SECONDS)

    def _embedded(self) -> list[Program]:
        postgres = redis = None
        if settings.EMBEDDED_DATABASE:
            if not embedded.postgres_data(self._var).exists():
                self._say("Making the database ...")
            servers.prepare_postgres(self._var, self._records, parent="up")
            postgres = servers.postgres_command(self._var)
        if settings.EMBEDDED_REDIS:
            redis = servers.redis_command(self._var)
        return programs.servers(postgres=postgres, redis=redis)

    def _bootstrap(self) -> Facts:
        kind = "embedded" if settings.EMBEDDED_DATABASE else "external"
        facts = Facts(self._var, database=kind)
        sandbox_url = f"http://127.0.0.1:{self._port + 1}"
        bootstrap.operator_code(facts)
        if settings.EMBEDDED_DATABASE:
            tenant = bootstrap.demo(facts, sandbox_url=sandbox_url)
            facts.remember(tenant=tenant.name, webhook_secret=tenant.webhook_secret)
        facts.remember(url=settings.PUBLIC_URL, sandbox_url=sandbox_url)
        return facts

    def _is_ready(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104
        with closing(HTTPConnection(host, self._port, timeout=READY_ANSWER_SECONDS)) as web:
            try:
                web.request("GET", "/readyz")
                return web.getresponse().status == HTTPStatus.OK
            except (OSError, HTTPException):
                return False

    def _wait(self, condition: Callable[[], bool], name: str, seconds: float) -> None:
        """Raises Refusal with the last line of its log when the program does not come up."""
        began = time.monotonic()

        def is_hopeless() -> bool:
            if time.monotonic() - began < PATIENCE_SECONDS:
                return not self._supervisor.is_running()
            return self._supervisor.state(name) not in ALIVE

        processes.wait_until(lambda: condition() or is_hopeless(), seconds=seconds)
        if not condition():
            log = self._log(name)
            reason = servers.last_line(log.read_text(errors="replace") if log.exists() else "")
            raise Refusal(f"{name} does not come up: {reason} (see {log})")

    def _log(self, name: str) -> Path:
        return self._var / "log" / f"{name}.log"


def _listen_to_signals() -> None:
    for number in STOP_SIGNALS:
        # `nohup` has a hang-up ignored; an ignored Ctrl-C is only a shell's way of starting jobs.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(*_: object) -> NoReturn:
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
