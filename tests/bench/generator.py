"""The load generator that the bench wants."""

import os
import shutil

import pytest


def need_wrk() -> None:
    """Skips the test where there is none; CI says that there must be one."""
    if shutil.which("wrk"):
        return
    if os.environ.get("WRK_REQUIRED"):
        pytest.fail("there is no wrk on this machine")
    pytest.skip("there is no wrk on this machine")
