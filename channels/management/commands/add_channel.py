"""A new upstream from the command line."""

import getpass
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from channels import credentials, states
from channels.models import Channel
from common import audit

SECRET_VARIABLE = "CHANNEL_SECRET"  # noqa: S105  the name of a variable
ACTOR = "command line"

FIELDS = (
    "name", "base_url", "kind", "priority", "weight", "groups", "actions", "modes", "pass_filters",
    "concurrency", "rpm", "queue_depth", "is_test",
)  # fmt: skip


class Command(BaseCommand):
    help = f"Adds an upstream. Its secret is read from {SECRET_VARIABLE} or asked for, never typed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("base_url", help="without the /mj part")
        parser.add_argument(
            "--kind", choices=Channel.Kind.values, default=Channel.Kind.MIDJOURNEY_PROXY
        )
        parser.add_argument("--priority", type=int, default=0, help="the highest is asked first")
        parser.add_argument("--weight", type=int, default=1, help="share among equals")
        parser.add_argument("--concurrency", type=int, help="tasks under way at once")
        parser.add_argument("--rpm", type=int, help="submits in any 60 seconds")
        parser.add_argument("--queue-depth", type=int, help="tasks that wait to be begun there")
        parser.add_argument(
            "--pass-filters", action="store_true", help="pass the tenant's accountFilter on"
        )
        parser.add_argument(
            "--is-test", action="store_true", help="draws for test keys, and for them only"
        )
        for field in ("groups", "actions", "modes"):
            parser.add_argument(f"--{field}", nargs="*", default=[], help="none: every one")

    def handle(self, *args: Any, **options: Any) -> None:
        channel = Channel(**{field: options[field] for field in FIELDS})
        try:
            channel.full_clean()
            secret = credentials.check(ask_secret())
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        with transaction.atomic():
            made = states.make(channel, secret=secret, actor=ACTOR)
            audit.by_command(
                "post channel",
                kind="channel",
                pk=made.pk,
                after={field: options[field] for field in FIELDS},
            )
        self.stdout.write(f"channel {channel} is enabled")


def ask_secret() -> str:
    if (secret := os.environ.get(SECRET_VARIABLE)) is not None:
        return secret
    return getpass.getpass("secret (mj-api-secret; empty for none): ")
