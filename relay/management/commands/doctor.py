"""Proves on a live database that the books are right."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from relay import proofs


class Command(BaseCommand):
    help = "Proves on the live database that no money and no task is lost or doubled."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for promise, findings in proofs.run():
            self.stdout.write(f"{'WRONG' if findings else 'ok':5}  {promise}")
            for finding in findings:
                self.stdout.write(f"         {finding}")
            wrong += len(findings)
        if wrong:
            self.stdout.write(f"{wrong} contradictions")
            sys.exit(1)
        self.stdout.write("the books are right")
