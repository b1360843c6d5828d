"""Back to older prices."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import books
from billing.errors import BookRefused
from billing.models import PriceBook
from common import audit


class Command(BaseCommand):
    help = "Publishes a copy of an older price book, in force at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("book", type=int, help="its number: show_prices --books")
        parser.add_argument("--actor", default="command line", help="who does it")

    def handle(self, *args: Any, book: int, actor: str, **options: Any) -> None:
        old = PriceBook.objects.filter(pk=book).first()
        if old is None:
            raise CommandError("there is no such price book")
        try:
            with transaction.atomic():
                new = books.roll_back(old, actor=actor)
                audit.by_command(
                    "roll back price book",
                    kind="price book",
                    actor=actor,
                    pk=new.pk,
                    after={"origin": old.pk, "effective_at": str(new.effective_at)},
                )
        except BookRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{new} is in force now, a copy of {old}")
