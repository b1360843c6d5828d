"""After a new secret was put first into ENCRYPTION_SECRETS: seals everything anew with it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import rotation

# Of the rows that cannot be opened.
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Encrypts all secrets in the database anew with the first of ENCRYPTION_SECRETS. When it "
        "has ended well the older ones may be taken out. May be stopped and run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        lost = []
        for name, rotate in rotation.rotations().items():
            count = rotate()
            self.stdout.write(
                f"{name}: {count.rotated} encrypted anew, {count.newest_already} were already"
            )
            if count.lost:
                some = ", ".join(map(str, count.lost[:SHOWN]))
                lost.append(f"{len(count.lost)} of {name} (rows {some})")
        if lost:
            raise CommandError(f"none of ENCRYPTION_SECRETS opens {'; '.join(lost)}")
