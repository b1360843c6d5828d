"""What a channel takes, from a JSON file."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from channels import costs
from channels.errors import CostsInvalid
from channels.models import Channel
from common import audit, money


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
            with transaction.atomic():
                before = _shown(found)
                costs.replace(found, lines)
                audit.by_command(
                    "set channel costs",
                    kind="channel",
                    pk=found.pk,
                    before=before,
                    after=_shown(found),
                )
        except (OSError, UnicodeDecodeError, CostsInvalid) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"channel {channel} has {len(lines)} cost rules")


def _shown(channel: Channel) -> dict[str, str]:
    rules = channel.costs.order_by("pk")
    return {f"{rule.name} {rule.mode}".strip(): money.text(rule.amount) for rule in rules}
