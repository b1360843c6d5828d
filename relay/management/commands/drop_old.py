"""What is older than it is to be kept, dropped now, or only told of."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from common import text_tables
from relay.pictures import results
from relay.weeks import old_weeks

COLUMNS = ("week of", "what", "", "size")
NAMES = {"KEEP_TASKS_DAYS": old_weeks.TASKS, "KEEP_ENTRIES_DAYS": old_weeks.ENTRIES}


class Command(BaseCommand):
    help = (
        "Drops weeks of tasks older than KEEP_TASKS_DAYS and of entries older than "
        "KEEP_ENTRIES_DAYS, as a job does once an hour, and tells why one has to stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only tell what would go")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        for name, what in NAMES.items():
            days = getattr(settings, name)
            told = f"are kept for {days} days" if days else "are kept for ever"
            self.stdout.write(f"{what} {told} ({name}={days})")
        weeks = old_weeks.found() if dry_run else list(old_weeks.drop())
        done = "would be dropped" if dry_run else "dropped"
        rows = [
            (
                str(week.monday),
                week.what,
                f"stays: {week.why}" if week.why else done,
                f"{week.bytes / 1e6:,.1f} MB",
            )
            for week in weeks
        ]
        for line in text_tables.lines([COLUMNS, *rows], names=3) if rows else ["nothing is older"]:
            self.stdout.write(line)
        if not dry_run and (number := results.forget_dropped()):
            self.stdout.write(f"{number} copies of results removed")
