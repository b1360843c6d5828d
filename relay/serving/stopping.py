"""Whether this process has been told to stop: then nobody waits any longer for his turn."""

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
_told: list[int] = []


def listen() -> None:
    """Hears the signals before whoever handles them already; once. Only a main thread hears any."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        known = signal.getsignal(number)
        if callable(known):
            signal.signal(number, _heard_before(known))


def has_begun() -> bool:
    return bool(_told)


def _heard_before(known: Any) -> Any:
    def handle(number: int, frame: FrameType | None) -> None:
        _told.append(number)
        known(number, frame)

    return handle
