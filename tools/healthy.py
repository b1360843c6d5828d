"""The health check of a container: `python tools/healthy.py web|worker|beat`; status 1 is a no.

Standard library only: it starts every few seconds. A web process is asked, the others touch a file.
"""

import os
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ANSWER_SECONDS = 3
# The clock may wait for a broker that is gone for a while.
SILENT_MAX_SECONDS = 60


def main(kind: str) -> str:
    """What is wrong, "" when nothing is."""
    return _web(int(os.environ.get("PORT") or 8000)) if kind == "web" else _file()


def _web(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"port {port} does not answer: {error}"
    finally:
        connection.close()
    return "" if status == HTTPStatus.OK else f"/healthz answers {status}"


def _file() -> str:
    path = Path(os.environ.get("ALIVE_FILE") or "")
    try:
        silent = time.time() - path.stat().st_mtime
    except OSError as error:
        return f"ALIVE_FILE: {error}"
    return "" if silent < SILENT_MAX_SECONDS else f"silent for {silent:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) or 0)
