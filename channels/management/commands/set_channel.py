"""Switching an upstream from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from channels import states
from channels.management.commands.add_channel import ACTOR
from channels.models import Channel
from common import audit


class Command(BaseCommand):
    help = (
        "Enables, drains or disables a channel; felt at once by every process. Enabling also "
        "closes its breaker and ends its rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("state", choices=Channel.State.values)
        parser.add_argument("--reason", default="", help="kept with it, for your colleagues")

    def handle(self, *args: Any, name: str, state: str, reason: str, **options: Any) -> None:
        found = Channel.objects.filter(name=name).first()
        if found is None:
            raise CommandError(f"there is no channel {name}")
        with transaction.atomic():
            states.set_state(found.pk, state, actor=ACTOR, reason=reason)
            audit.by_command(
                "patch channel",
                kind="channel",
                pk=found.pk,
                before={"state": found.state},
                after={"state": state},
                why=reason,
            )
        self.stdout.write(f"channel {name} is {state}")
