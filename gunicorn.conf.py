"""What gunicorn reads by itself when it is started in this folder.

The master is not patched by gevent, and whatever it loads, its workers have unpatched: so nothing
of the relay but what knows no sockets.
"""

import sys
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent
sys.path.insert(0, str(BASE_DIR))

from common import logs  # noqa: E402  needs the path above

_env = environ.Env()
_env.read_env(str(BASE_DIR / ".env"))

# Its own lines look like all others (docs/metrics.md). It writes no access log: the relay does.
logconfig_dict = logs.configuration(
    level=_env.str("LOG_LEVEL", default="INFO").upper(),
    style=_env.str("LOG_FORMAT", default=logs.LINE).lower(),
)
