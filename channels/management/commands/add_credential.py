"""One more credential of a channel from the command line."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from channels import credentials
from channels.management.commands.add_channel import ACTOR, SECRET_VARIABLE, ask_secret
from channels.models import Channel
from common import audit

NAME_MAX_CHARS = 100


class Command(BaseCommand):
    help = (
        "Adds a credential to a channel; its credentials share the work. The secret is read from "
        f"{SECRET_VARIABLE} or asked for, never typed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", help="its name")
        parser.add_argument("name", help="what to call the credential")

    def handle(self, *args: Any, channel: str, name: str, **options: Any) -> None:
        found = Channel.objects.filter(name=channel).first()
        if found is None:
            raise CommandError(f"there is no channel {channel}")
        if not name.strip() or not name.isprintable() or len(name) > NAME_MAX_CHARS:
            raise CommandError(f"a name is 1 to {NAME_MAX_CHARS} characters that can be seen")
        secret = ask_secret()
        if not secret:
            raise CommandError("a credential without a secret is none")
        try:
            with transaction.atomic():
                made = credentials.add(found, name=name, secret=secret, actor=ACTOR)
                audit.by_command(
                    "post credential",
                    kind="credential",
                    pk=made.pk,
                    after={"channel": channel, "name": name},
                )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"channel {channel} has a credential {name}") from error
        self.stdout.write(f"channel {channel} has {found.credentials.count()} credentials")
