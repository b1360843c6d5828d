"""Do the migrations since the last release let its code go on working while they run?

`make check` asks: web servers of the old code serve until those of the new one take over, so a
migration adds. What the old code needs is taken away one release later.
"""

import os
import sys

import django
from django.db.migrations import Migration

# The last one of each app that everybody has. There is no release yet: whoever runs the relay from
# here on has these.
RELEASED = {
    "billing": "0017_notice_wording",
    "channels": "0008_probing",
    "common": "0006_audit_by_deed",
    "console": "0002_playground",
    "relay": "0013_lost_callbacks",
}
# Looked at by a person, with the reason why the old code does not mind or must be stopped.
ACCEPTED = {
    "billing.0018_weekly_parts": "makes parts of the ledger: everything is stopped for it",
    "relay.0014_weekly_parts": "the same for tasks; the old code cannot write callback attempts",
}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    django.setup()
    from django_migration_linter import MigrationLinter

    linter = MigrationLinter(no_cache=True, analyser_string="postgresql")
    unreleased = [
        migration
        for migration in linter.migration_loader.disk_migrations.values()
        if is_unreleased(migration)
    ]
    for migration in sorted(unreleased, key=str):
        linter.lint_migration(migration)
    return 1 if linter.has_errors else 0


def is_unreleased(migration: Migration) -> bool:
    """Of ours, and nobody has looked at it."""
    released = RELEASED.get(migration.app_label)
    return (
        released is not None
        and migration.name > released
        and f"{migration.app_label}.{migration.name}" not in ACCEPTED
    )


if __name__ == "__main__":
    sys.exit(main())
