from typing import Any

from django.core.management.base import BaseCommand, CommandError

from relay.operators import first_run


class Command(BaseCommand):
    help = "Prints a new one-time code with which the console makes the first operator."

    def handle(self, *args: Any, **options: Any) -> None:
        found = first_run.code()
        if not found:
            raise CommandError("There is an operator already.")
        self.stdout.write(found)
