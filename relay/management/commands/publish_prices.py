"""A price book from JSON files."""

import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import book_diff, books, newapi_prices, preview, usage
from billing.errors import BookRefused, PricesInvalid
from billing.models import PriceBook
from billing.newapi_prices import Maps
from common import audit
from relay import actions
from relay.operators import price_tables


class Command(BaseCommand):
    help = (
        'Publishes {"mj_imagine": 0.1, ...} (currency units) as what everybody pays in any mode. '
        "Other lines stay as they are in the book in force: prices of one mode, group or tenant, "
        "and ratios without a file here."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a JSON file, - for standard input")
        parser.add_argument("--ratios", metavar="FILE", help='new-api\'s GroupRatio: {"vip": 0.8}')
        parser.add_argument(
            "--group-ratios",
            metavar="FILE",
            help='new-api\'s GroupGroupRatio: {"tenant\'s group": {"group of the key": 0.8}}',
        )
        parser.add_argument(
            "--from-scratch", action="store_true", help="nothing of the book in force stays"
        )
        parser.add_argument(
            "--at", metavar="TIME", type=_time, help="in force from then on, e.g. 2026-01-31T00:00Z"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="changes nothing; shows the differences and what real traffic would have earned",
        )
        parser.add_argument("--memo", default="")
        parser.add_argument("--actor", default="command line", help="who does it")

    def handle(self, *args: Any, **options: Any) -> None:
        maps = _maps(options)
        if options["dry_run"]:
            # So that the transaction below, which is taken back, has little left to do.
            usage.roll_up()
        old = PriceBook.objects.in_force()
        try:
            with transaction.atomic():
                book = _draft(None if options["from_scratch"] else old, maps, options)
                self.stdout.write("\n".join(price_tables.diff(book_diff.between(old, book))))
                if options["dry_run"]:
                    self._preview(book)
                    transaction.set_rollback(True)
                    return
                books.release(book, actor=options["actor"], effective_at=options["at"])
                audit.by_command(
                    "publish price book",
                    kind="price book",
                    actor=options["actor"],
                    pk=book.pk,
                    after={
                        "origin": book.origin_id,
                        "effective_at": str(book.effective_at),
                        "rules": book.rules.count(),
                    },
                    why=options["memo"],
                )
        except (BookRefused, PricesInvalid) as error:
            raise CommandError(str(error)) from error
        when = f"from {book.effective_at}" if options["at"] else "now"
        self.stdout.write(f"{book} is in force {when} with {book.rules.count()} prices")

    def _preview(self, book: PriceBook) -> None:
        for days in (preview.yesterday(), preview.last_30_days()):
            shown = preview.of(book, days=days, names_of=actions.names_of)
            self.stdout.write("\n".join(price_tables.preview(shown)))


def _maps(options: dict[str, Any]) -> Maps:
    """Raises CommandError."""
    texts = (options[name] and _text(options[name]) for name in ("file", "ratios", "group_ratios"))
    maps = Maps(*texts)
    try:
        books.parse(maps.model_price or "")
    except PricesInvalid as error:
        raise CommandError(f"{options['file']}: {error}") from error
    return maps


def _draft(origin: PriceBook | None, maps: Maps, options: dict[str, Any]) -> PriceBook:
    book = books.draft(origin=origin, actor=options["actor"], memo=options["memo"])
    newapi_prices.replace(book, maps)
    return book


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: {error}") from error


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a time such as 2026-01-31T00:00Z") from error
    if moment.tzinfo is None:
        raise ArgumentTypeError(f"{text} does not say its zone, e.g. Z at its end")
    return moment
