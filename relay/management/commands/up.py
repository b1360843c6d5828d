"""`manage.py up`: PostgreSQL, Redis, web, worker, beat and sandbox on this machine."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from relay.up.errors import Refusal
from relay.up.run import up


class Command(BaseCommand):
    help = "Runs everything on this machine until Ctrl-C. `make run` installs first, then calls it."
    # These run while the servers start (relay/up/run.py).
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            up(self._say)
        except Refusal as refusal:
            sys.exit(str(refusal))
        except PermissionError as error:
            sys.exit(f"{error.filename}: {error.strerror}. Was it made by another user?")

    def _say(self, text: str) -> None:
        try:
            print(text, flush=True)
        except BrokenPipeError:
            # Whoever read this has gone (`make run | head`); that stops no relay.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
