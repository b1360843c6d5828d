"""A file that a worker or the clock touches while it lives, for the health check of its container
(tools/healthy.py). Web processes need none, they can be asked."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

TOUCH_SECONDS = 5.0


def touch() -> None:
    """Now. Without a file that can be written nobody is told, and the work goes on."""
    if settings.ALIVE_FILE:
        with suppress(OSError):
            Path(settings.ALIVE_FILE).touch()


def keep_touching() -> None:
    """For workers: as long as their greenlets get their turn."""
    if settings.ALIVE_FILE:
        threading.Thread(target=_touch_for_ever, name="alive", daemon=True).start()


def _touch_for_ever() -> None:
    while True:
        touch()
        time.sleep(TOUCH_SECONDS)
