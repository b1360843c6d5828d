"""Redemption codes from the command line."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_date, parse_datetime

from billing import codes, money
from common import audit


class Command(BaseCommand):
    help = "Makes redemption codes and prints them as CSV, this once only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the batch is for")
        parser.add_argument("count", type=int, help=f"1 to {codes.BATCH_MAX_CODES}")
        parser.add_argument("amount", help="what each is worth, in units of the site's currency")
        parser.add_argument(
            "--expires", help="2027-01-31 or 2027-01-31T18:00Z (UTC); never without"
        )
        parser.add_argument("--actor", default="command line", help="who makes them")

    def handle(
        self,
        *args: Any,
        name: str,
        count: int,
        amount: str,
        expires: str | None,
        actor: str,
        **options: Any,
    ) -> None:
        try:
            with transaction.atomic():
                batch, made = codes.make(
                    name=name,
                    count=count,
                    amount=money.to_micro(amount),
                    expires_at=None if expires is None else _moment(expires),
                    actor=actor,
                )
                audit.by_command(
                    "post code batch",
                    kind="code batch",
                    actor=actor,
                    pk=batch.pk,
                    after={"name": name, "number": count, "amount": money.text(batch.amount)},
                )
        except ValueError as error:
            raise CommandError(str(error)) from error
        codes.write_csv(self.stdout, batch, made)


def _moment(text: str) -> datetime:
    """Raises ValueError."""
    if (day := parse_date(text)) is not None:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(f"{text} is not a time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
