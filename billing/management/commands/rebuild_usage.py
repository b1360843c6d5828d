"""The daily roll-up made anew from the ledger."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import usage
from billing.models import Wallet


class Command(BaseCommand):
    help = "Adds the ledger up by days anew, for one tenant or for all. May run at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", nargs="?", help="all of them without it")

    def handle(self, *args: Any, tenant: str | None, **options: Any) -> None:
        if tenant is None:
            number = usage.rebuild()
        else:
            wallets = Wallet.objects.filter(tenant__name=tenant).values_list("pk", flat=True)
            if not wallets:
                raise CommandError(f"there is no tenant {tenant}")
            number = sum(usage.rebuild(wallet) for wallet in wallets)
        self.stdout.write(f"{number} entries added up anew")
