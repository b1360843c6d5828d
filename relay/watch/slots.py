"""Numbers for the processes of this machine that keep metrics: the files of METRICS_DIR are called
by them.

Pids would leave files behind for ever, one for each process that ever was. A number is free again
when its process has ended, however it ended, because the kernel drops its lock; the next one counts
on where it stopped.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from django.conf import settings


class _Slot:
    """`number`: this process's own. `file` is open and holds its lock, also that of a parent."""

    number = ""
    file: int | None = None


def _forget_number() -> None:
    """A fork has the variables of its parent, and not its number."""
    _Slot.number = ""


os.register_at_fork(after_in_child=_forget_number)


def known() -> str:
    """This process's number; "" before it has taken one. Raises OSError in a fork that cannot get
    one of its own."""
    if _Slot.number or _Slot.file is None:
        return _Slot.number
    return take()


def take() -> str:
    """Takes the lowest number that is free. Raises OSError."""
    if _Slot.number:
        return _Slot.number
    folder: Path = settings.METRICS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    for number in count():
        descriptor = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            _Slot.number, _Slot.file = str(number), descriptor
            return _Slot.number
    raise AssertionError
