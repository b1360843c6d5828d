"""The embedded PostgreSQL for the length of a command, also where `make run` does not run."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

from common import processes
from common.processes.records import Records
from relay.up import preflight, servers
from relay.up.errors import Refusal

NAME = "command"
START_SECONDS = 60
STOP_SECONDS = 30


@contextmanager
def database() -> Iterator[None]:
    """The database of a running `make run`, else one that is started for this; where DATABASE_URL
    is set nothing is done. Raises Refusal."""
    var = settings.VAR_DIR
    if not settings.EMBEDDED_DATABASE or servers.postgres_answers(var):
        yield
        return
    var.mkdir(parents=True, exist_ok=True)
    preflight.check_owner(var)
    (var / "log").mkdir(exist_ok=True)
    records = Records(var / "processes")
    with closing(preflight.lock(var)):
        records.end_all(seconds=STOP_SECONDS)
        records.write_own(NAME)
        try:
            _start(var, records)
            yield
        finally:
            connections.close_all()
            records.end_all(seconds=STOP_SECONDS)


def _start(var: Path, records: Records) -> None:
    servers.prepare_sockets(var)
    servers.prepare_postgres(var, records, parent=NAME)
    log = var / "log" / "postgres.log"
    with log.open("ab") as output:
        subprocess.Popen(
            servers.recorded(
                records, parent=NAME, name="postgres", command=servers.postgres_command(var)
            ),
            cwd=servers.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the command; the server outlives it.
            start_new_session=True,
        )
    if not processes.wait_until(lambda: servers.postgres_answers(var), seconds=START_SECONDS):
        raise Refusal(f"postgres does not come up (see {log})")
    servers.create_database(var)
