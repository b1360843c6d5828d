"""What a channel takes, from a JSON file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels import costs
from channels.errors import CostsInvalid
from channels.models import Channel


class Command(BaseCommand):
    help = (
        'Replaces all cost rules of a channel: {"mj_imagine": 0.05, "mj_*": 0.02} in currency '
        'units, or [{"name": "mj_*", "mode": "relax", "amount": 0.01}]. {} removes them.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", help="its name")
        parser.add_argument("file", help="a JSON file, - for standard input")

    def handle(self, *args: Any, channel: str, file: str, **options: Any) -> None:
        found = Channel.objects.filter(name=channel).first()
        if found is None:
            raise CommandError(f"there is no channel {channel}")
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            lines = costs.parse(text)
            costs.replace(found, lines)
        except (OSError, UnicodeDecodeError, CostsInvalid) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"channel {channel} has {len(lines)} cost rules")
