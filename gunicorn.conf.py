"""What gunicorn reads by itself when it is started in this folder.

The master is not patched by gevent, and whatever it loads, its workers have unpatched: so nothing
of the relay but what knows no sockets.
"""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import environ
from gunicorn import glogging

BASE_DIR = Path(__file__).resolve().parent
sys.path.insert(0, str(BASE_DIR))

from common import logs  # noqa: E402  needs the path above

_env = environ.Env()
_env.read_env(str(BASE_DIR / ".env"))

# Whose `X-Forwarded-Proto: https` is believed.
forwarded_allow_ips = ",".join(_env.list("TRUSTED_PROXIES", default=["127.0.0.0/8", "::1/128"]))
# A head is bounded in bytes, as it is in time (common/web_worker.py, which hands out files too).
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190
sendfile = False


class Logger(glogging.Logger):  # type: ignore[misc]
    """Without an access log, nor the work for one: the relay writes it."""

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        pass


logger_class = Logger
# Its own lines look like all others (docs/metrics.md).
logconfig_dict = logs.configuration(
    level=_env.str("LOG_LEVEL", default="INFO").upper(),
    style=_env.str("LOG_FORMAT", default=logs.LINE).lower(),
)


def post_fork(server: Any, worker: Any) -> None:
    """Until a worker has handlers of its own it has the master's, which only take a note: told to
    stop in that moment it would not hear it, and the master would wait for as long as for a
    request."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


# Where systemd (Type=notify) wants to be told. gunicorn would do it before a worker has loaded us.
_told_at = os.environ.pop("NOTIFY_SOCKET", "")


def post_worker_init(worker: Any) -> None:
    """Whoever restarts two webs one after the other does not stop the second before this."""
    if _told_at:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            address = "\0" + _told_at[1:] if _told_at.startswith("@") else _told_at
            systemd.sendto(b"READY=1", address)
