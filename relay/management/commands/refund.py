"""A refunded task from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, transaction

from billing import money
from billing.errors import BillingError
from common import audit
from relay.models import DroppedWeek, Task
from relay.operators import refunds


def _gone(task_id: int) -> str:
    """Why there may be none."""
    old = DroppedWeek.objects.filter(first_id__lte=task_id, until_id__gt=task_id).first()
    return f" any more: the tasks of the week of {old.monday} are not kept" if old else ""


class Command(BaseCommand):
    help = "Gives back what a tenant paid for a task, all or a part; never more than was paid."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", type=int, help="the task's id")
        parser.add_argument(
            "--amount", help="in units of the site's currency; without: what is left"
        )
        parser.add_argument("--actor", default="command line", help="who does it")
        parser.add_argument("--memo", required=True, help="why; the tenant can read it")

    def handle(
        self, *args: Any, task: int, amount: str | None, actor: str, memo: str, **options: Any
    ) -> None:
        found = Task.objects.filter(pk=task).first()
        if found is None:
            raise CommandError(f"there is no task {task}{_gone(task)}")
        try:
            part = None if amount is None else money.to_micro(amount)
            with transaction.atomic():
                refunded = refunds.refund(found, amount=part, actor=actor, memo=memo)
                audit.by_command(
                    "refund task",
                    kind="task",
                    actor=actor,
                    pk=found.pk,
                    tenant_id=found.tenant_id,
                    after={"refunded": money.text(refunded)},
                    why=memo,
                )
        except (ValueError, BillingError) as error:
            raise CommandError(str(error)) from error
        except DataError as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write(f"{money.text(refunded)} went back to {found.tenant}")
