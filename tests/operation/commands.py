"""`manage.py` as an operator has it: a program with the product's environment."""

import subprocess
import sys
from collections.abc import Mapping

from tests.stack import ROOT


def manage(
    env: Mapping[str, str], *arguments: str, seconds: float = 120
) -> "subprocess.CompletedProcess[str]":
    """Its output is in `stdout`, both streams together."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )


def start(env: Mapping[str, str], *arguments: str) -> "subprocess.Popen[str]":
    """The same without waiting for its end."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
