"""Price books on the terminal, and as files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import book_files, newapi_prices
from billing.models import PriceBook
from relay.operators import price_tables

BOOKS_SHOWN = 20


class Command(BaseCommand):
    help = "Shows the lines of a price book: of the one in force, or of another."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("book", nargs="?", type=int, help="its number; none: the one in force")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--books", action="store_true", help="the newest books instead")
        shape.add_argument("--json", action="store_true", help="all of it, to be read elsewhere")
        for option, name in (
            ("--model-price", "ModelPrice"),
            ("--group-ratio", "GroupRatio"),
            ("--group-group-ratio", "GroupGroupRatio"),
        ):
            shape.add_argument(option, action="store_true", help=f"as new-api's {name}")

    def handle(self, *args: Any, book: int | None, **options: Any) -> None:
        if options["books"]:
            newest = PriceBook.objects.order_by("-id")[:BOOKS_SHOWN]
            in_force = PriceBook.objects.in_force()
            self.stdout.write("\n".join(price_tables.books(newest, in_force=in_force)))
            return
        chosen = _chosen(book)
        if options["json"]:
            self.stdout.write(book_files.dump(chosen))
            return
        for name in newapi_prices.Maps._fields:
            if options[name]:
                self._newapi(chosen, name)
                return
        self.stdout.write("\n".join(price_tables.book(chosen)))

    def _newapi(self, book: PriceBook, name: str) -> None:
        export = newapi_prices.export(book)
        self.stdout.write(getattr(export.maps, name))
        if name == "model_price" and export.left_out:
            self.stderr.write(f"left out, because new-api has no words for it ({book}):")
            self.stderr.write("\n".join(price_tables.rules(export.left_out)))


def _chosen(number: int | None) -> PriceBook:
    if number is None:
        found = PriceBook.objects.in_force()
    else:
        found = PriceBook.objects.filter(pk=number).first()
    if found is None:
        raise CommandError("there is no such price book")
    return found
