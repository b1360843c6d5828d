"""A new customer from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from billing import tenants, tokens
from common import audit


class Command(BaseCommand):
    help = "Makes a tenant with an empty wallet and a first API key, which is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--group", default=tenants.DEFAULT_GROUP, help="made when it is new")

    def handle(self, *args: Any, name: str, group: str, **options: Any) -> None:
        try:
            with transaction.atomic():
                tenant = tenants.create(name=name, group=group)
                _, key = tokens.make(tenant=tenant, name="main")
                audit.by_command(
                    "post tenant",
                    kind="tenant",
                    pk=tenant.pk,
                    tenant_id=tenant.pk,
                    after={"name": name, "group": group},
                )
        except IntegrityError as error:
            raise CommandError(f"there is a tenant {name} already") from error
        self.stdout.write(f"key             {key}")
        self.stdout.write(f"webhook secret  {tenant.webhook_secret}")
