"""Moves a new-api or one-api site over."""

import os
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.models import Channel
from relay.newapi_import import report
from relay.newapi_import.errors import ImportRefused
from relay.newapi_import.plan import Choices
from relay.newapi_import.run import run

LABEL = re.compile(r"[a-z][a-z0-9-]{0,29}")


class Command(BaseCommand):
    help = (
        "Imports users, keys, balances, groups, channels and prices from a new-api or one-api "
        "database. Without --write it is a rehearsal, and nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source",
            nargs="?",
            default=os.environ.get("SQL_DSN", ""),
            help="a SQLite file, postgres://…, mysql://… or user:password@tcp(host:3306)/database; "
            "SQL_DSN by default, where the password is not seen in the list of processes",
        )
        parser.add_argument("--write", action="store_true", help="keep what is imported")
        parser.add_argument("--skip-channels", action="store_true")
        parser.add_argument("--skip-prices", action="store_true")
        parser.add_argument(
            "--publish-prices",
            action="store_true",
            help="put the prices in force at once; otherwise they are a draft",
        )
        parser.add_argument(
            "--kind",
            choices=Channel.Kind.values,
            default="",
            help="of all imported channels; otherwise it goes by their type",
        )
        parser.add_argument(
            "--label",
            default="newapi",
            help="another word for each further source, so that its users are told apart",
        )

    def handle(self, *args: Any, source: str, write: bool, label: str, **options: Any) -> None:
        if not LABEL.fullmatch(label):
            raise CommandError("--label is a word of small letters, digits and dashes")
        choices = Choices(
            label=label,
            kind=options["kind"],
            skip_channels=options["skip_channels"],
            skip_prices=options["skip_prices"],
            publish_prices=options["publish_prices"],
        )
        shown = None if options["verbosity"] > 1 else report.SHOWN
        try:
            lines = run(source, choices, is_kept=write, shown=shown)
        except ImportRefused as error:
            raise CommandError(f"{error}. Nothing was imported.") from error
        self.stdout.write("\n".join(lines))
        self.stdout.write("")
        self.stdout.write("imported" if write else "a rehearsal: nothing was kept; add --write")
