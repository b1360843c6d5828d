"""What the site earns, from the command line."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing import periods
from billing.reports import DIMENSIONS
from common import text_tables
from relay.operators import reports

DAYS = 30


class Command(BaseCommand):
    help = "Shows revenue, refunds, cost and margin, without test money."

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(DIMENSIONS)
        parser.add_argument("--by", default="day", help=f"any of {names}, with commas between")
        today = timezone.now().date()
        parser.add_argument(
            "--from",
            dest="first",
            default=str(today - timedelta(days=DAYS)),
            help=f"the first day (UTC), like 2026-01-01; by default {DAYS} days ago",
        )
        parser.add_argument("--to", dest="last", default=str(today), help="the last day; today")
        parser.add_argument("--csv", action="store_true", help="as CSV")

    def handle(self, *args: Any, by: str, first: str, last: str, csv: bool, **options: Any) -> None:
        dimensions = [name.strip() for name in by.split(",") if name.strip()]
        try:
            period = periods.parse(first, last)
            if csv:
                for piece in reports.csv(by=dimensions, period=period):
                    self.stdout.write(piece.decode(), ending="")
                return
            rows = reports.rows(by=dimensions, period=period)
        except ValueError as error:
            raise CommandError(str(error)) from error
        for line in text_tables.lines(rows, names=max(len(dimensions), 1)):
            self.stdout.write(line)
