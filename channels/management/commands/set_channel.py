"""Switching an upstream from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels.models import Channel


class Command(BaseCommand):
    help = "Enables, drains or disables a channel; felt at once by every process."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("state", choices=Channel.State.values)

    def handle(self, *args: Any, name: str, state: str, **options: Any) -> None:
        if not Channel.objects.filter(name=name).update(state=state):
            raise CommandError(f"there is no channel {name}")
        self.stdout.write(f"channel {name} is {state}")
