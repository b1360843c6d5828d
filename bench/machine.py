"""Where and with what it was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.place import ROOT, Place
from common import sql

PACKAGES = ("django", "djangorestframework", "psycopg", "gunicorn", "gevent", "urllib3", "celery")
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


def facts(cores: list[int], place: Place) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": cores,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": sql.fetch_one("SHOW server_version").server_version,
        "postgresql_settings": _postgresql_settings(),
        "web_workers": int(place.env.get("WEB_WORKERS", "2")),
    }


def line(facts: dict[str, Any]) -> str:
    """The same for people, as short as it goes."""
    shown = ", ".join(f"{name} {value}" for name, value in facts["postgresql_settings"].items())
    return (
        f"{facts['date']}, commit {facts['commit']}, {facts['cpu']}, {len(facts['cores'])} cores "
        "for everything, the load generator and the fake upstream too\n"
        f"Python {facts['python']}, PostgreSQL {facts['postgresql']} ({shown})"
    )


def _commit() -> str:
    """With a "+" when the tree has changes; "unknown" outside a checkout."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _postgresql_settings() -> dict[str, str]:
    query = "SELECT name, current_setting(name) AS value FROM unnest(%s::text[]) AS name"
    return {row.name: row.value for row in sql.fetch_all(query, [list(_SETTINGS)])}
