"""An operator's decision on a disputed top-up, from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import money, topups
from billing.errors import BillingError
from common import audit


class Command(BaseCommand):
    help = "Credits a disputed on-line top-up with what was really paid; 0: nothing, it was undone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", help="of the order")
        parser.add_argument(
            "amount", help="in units of the site's currency, e.g. 25.00; 0: nothing"
        )
        parser.add_argument("--actor", default="command line", help="who decides")
        parser.add_argument("--memo", required=True, help="why")

    def handle(
        self, *args: Any, number: str, amount: str, actor: str, memo: str, **options: Any
    ) -> None:
        try:
            credit = money.to_micro(amount)
            with transaction.atomic():
                if credit:
                    order = topups.settle(number, amount=credit, actor=actor, memo=memo)
                else:
                    order = topups.dismiss(number, actor=actor, memo=memo)
                audit.by_command(
                    "settle top-up order" if credit else "dismiss top-up order",
                    kind="top-up order",
                    actor=actor,
                    pk=order.pk,
                    tenant_id=order.tenant_id,
                    after={"state": order.state, "amount": money.text(credit)},
                    why=memo,
                )
        except (ValueError, BillingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{order} of {order.tenant} is {order.state}: {money.text(credit)}")
