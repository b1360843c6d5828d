"""All that cannot be made anew, in one file."""

import json
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.money import text as money
from relay.backups import making
from relay.backups.errors import Refused
from relay.backups.making import Made
from relay.up import at_hand
from relay.up.errors import Refusal

SECRETS = """\
!! No secret is in this file. Without SECRET_KEY, KEY_HASH_SECRET and ENCRYPTION_SECRETS (`.env`, or
!! secret_key in RELAY_VAR) no key of a tenant and no credential of a channel works after a restore:
!! keep them, in another place than the backup."""


class Command(BaseCommand):
    help = (
        "Writes the database, and kept pictures that lie in a folder, into one file; the product "
        "may go on meanwhile. Secrets of the settings are not in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "target", metavar="FILE|DIR", type=Path, help="a new file, or a folder for one"
        )
        parser.add_argument(
            "--without-pictures", action="store_true", help="leave kept pictures and videos out"
        )
        parser.add_argument(
            "--keep", type=int, metavar="N", help="delete all but the newest N in the folder"
        )
        parser.add_argument("--json", action="store_true", help="print the manifest instead")

    def handle(self, *args: Any, target: Path, **options: Any) -> None:
        # As Ctrl-C: half a file is taken away again.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        keep = options["keep"]
        if keep is not None and keep < 1:
            raise CommandError("--keep is at least 1.")
        try:
            with at_hand.database():
                with_pictures = not options["without_pictures"]
                made = making.make(target, with_pictures=with_pictures, keep=keep)
        except (Refused, Refusal) as no:
            raise CommandError(f"{no}.") from no
        if options["json"]:
            told = {"path": str(made.path), "bytes": made.bytes, **made.manifest}
            self.stdout.write(json.dumps(told, indent=1))
        else:
            self._print(made)

    def _print(self, made: Made) -> None:
        rows = made.manifest["rows"]
        self.stdout.write(f"{made.path}: {made.bytes:,} bytes, as of {made.manifest['made_at']}")
        for name in ("billing_tenant", "relay_task", "billing_entry", "relay_callback"):
            self.stdout.write(f"  {name:16} {rows[name]:,} rows")
        for name, found in made.manifest["wallets"].items():
            balance, held = money(found["balance"]), money(found["held"])
            self.stdout.write(f"  {name} wallets: {found['number']:,}; {balance}, {held} held")
        self.stdout.write(f"  {self._pictures(made)}")
        for path in made.deleted:
            self.stdout.write(f"  deleted {path}")
        self.stdout.write(SECRETS)

    @staticmethod
    def _pictures(made: Made) -> str:
        taken = made.pictures
        if taken is None:
            return "kept pictures are not in it"
        told = f"kept pictures: {taken.files:,} files, {taken.bytes:,} bytes"
        return f"{told}; {taken.missing:,} ARE NOT IN THE FOLDER" if taken.missing else told
