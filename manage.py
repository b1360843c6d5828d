#!/usr/bin/env python
"""Django's command line for MJ Relay."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    # A command is one short process: a connection of its own beats a pool.
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    # And may take its time: nobody waits for its answer.
    os.environ.setdefault("DATABASE_STATEMENT_SECONDS", "0")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"settings: {error}")
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        sys.exit(f"database: {reason} (start it with `make run`, or set DATABASE_URL)")


if __name__ == "__main__":
    main()
