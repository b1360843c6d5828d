"""Brings back what `manage.py backup` has written."""

import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from relay.backups import restoring
from relay.backups.errors import Refused
from relay.backups.restoring import Choices
from relay.up import at_hand
from relay.up.errors import Refusal
from relay.watch import proofs

AFTERWARDS = """\
What happened after the backup is not here: payments of that time stand in the payment services'
lists, drawings in the upstreams'. Empty Redis before the product starts (docs/operations.md)."""


class Command(BaseCommand):
    help = (
        "Restores a backup into an empty database, and proves the books. Everything or nothing: "
        "what is refused, or fails, leaves the database as it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="THROW AWAY all that is in the database now"
        )
        parser.add_argument(
            "--other-secrets",
            action="store_true",
            help="restore although our secrets are others: keys, credentials and webhook secrets "
            "of the backup are lost",
        )
        parser.add_argument(
            "--without-pictures", action="store_true", help="leave kept pictures where they are"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        choices = Choices(
            replace=options["replace"],
            other_secrets=options["other_secrets"],
            with_pictures=not options["without_pictures"],
        )
        try:
            with at_hand.database():
                restoring.restore(file, choices, self.stdout.write)
                wrong = self._prove()
        except (Refused, Refusal) as no:
            raise CommandError(f"{no}.") from no
        self.stdout.write(AFTERWARDS)
        if wrong:
            sys.exit(1)

    def _prove(self) -> int:
        """As `doctor`, which says it at more length."""
        wrong = 0
        for promise, findings in proofs.run():
            wrong += len(findings)
            for finding in findings:
                self.stdout.write(f"WRONG  {promise}: {finding}")
        size = proofs.size()
        verdict = f"{wrong:,} contradictions, see `doctor`" if wrong else "the books are right"
        self.stdout.write(f"{size.tasks:,} tasks and {size.entries:,} entries: {verdict}")
        return wrong
