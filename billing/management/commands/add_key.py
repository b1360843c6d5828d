"""A further API key from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import money, tokens
from billing.models import Tenant, Token
from common import audit


class Command(BaseCommand):
    help = "Makes an API key for a tenant; it is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant")
        parser.add_argument("name", help="what the key is for")
        parser.add_argument("--budget", help="how much it may spend in all, e.g. 25.00")
        parser.add_argument(
            "--images", choices=Token.ImageSetting.values, default=Token.ImageSetting.PROXY
        )

    def handle(
        self, *args: Any, tenant: str, name: str, budget: str | None, images: str, **options: Any
    ) -> None:
        owner = Tenant.objects.filter(name=tenant).first()
        if owner is None:
            raise CommandError(f"there is no tenant {tenant}")
        try:
            limit = None if budget is None else money.to_micro(budget)
        except ValueError as error:
            raise CommandError(str(error)) from error
        with transaction.atomic():
            token, key = tokens.make(tenant=owner, name=name, budget=limit, image_setting=images)
            audit.by_command(
                "post key",
                kind="key",
                pk=token.pk,
                tenant_id=owner.pk,
                after={"name": name, "prefix": token.prefix, "budget": budget},
            )
        self.stdout.write(key)
