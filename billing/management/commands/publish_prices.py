"""A price book from a JSON file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import books
from billing.errors import PricesInvalid


class Command(BaseCommand):
    help = 'Publishes {"mj_imagine": 0.1, ...} (currency units) as the price book in force.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a JSON file, - for standard input")
        parser.add_argument("--memo", default="")

    def handle(self, *args: Any, file: str, memo: str, **options: Any) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            book = books.publish_json(text, memo=memo)
        except (OSError, UnicodeDecodeError, PricesInvalid) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"{book} is in force with {book.rules.count()} prices")
