"""Proves on a live database that the books are right."""

import json
import sys
from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.proofs import Verdict
from relay.watch import proofs


class Command(BaseCommand):
    help = (
        "Proves on the live database that no money and no task is lost or doubled. "
        "Ends with status 1 when something contradicts that."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead")
        parser.add_argument(
            "--limit",
            type=int,
            default=proofs.LIMIT,
            help="how many contradictions of each promise are printed (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit is at least 1.")
        began = monotonic()
        verdicts = []
        with proofs.snapshot():
            size = proofs.size()
            for verdict in proofs.verdicts(limit=options["limit"]):
                verdicts.append(verdict)
                if not options["json"]:
                    self._print(verdict)
        wrong = sum(verdict.number for verdict in verdicts)
        summary = {"wrong": wrong, **size._asdict(), "seconds": round(monotonic() - began, 1)}
        if options["json"]:
            promises = [verdict._asdict() for verdict in verdicts]
            self.stdout.write(json.dumps(summary | {"promises": promises}, indent=1))
        else:
            self.stdout.write(
                "{tasks:,} tasks and {entries:,} entries in {seconds} s: ".format(**summary)
                + (f"{wrong:,} contradictions" if wrong else "the books are right")
            )
        if wrong:
            sys.exit(1)

    def _print(self, verdict: Verdict) -> None:
        self.stdout.write(f"{'WRONG' if verdict.number else 'ok':5}  {verdict.promise}")
        for finding in verdict.findings:
            self.stdout.write(f"         {finding}")
        if more := verdict.number - len(verdict.findings):
            self.stdout.write(f"         and {more:,} more")
