"""Makes its tables, and who asks: `python -m bench.naive.fill`, with the keys as lines."""

import hashlib
import sys

import django
from django.core.management import call_command

FUNDS = 1_000_000_000_000


def main(keys: list[str]) -> None:
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    # Needs Django.
    from django.conf import settings

    from bench.naive.models import Channel, Key, Wallet

    Channel.objects.create(base_url=settings.UPSTREAM_URL)
    wallets = Wallet.objects.bulk_create(Wallet(balance=FUNDS) for _ in keys)
    Key.objects.bulk_create(
        Key(digest=hashlib.sha256(key.encode()).hexdigest(), wallet=wallet)
        for key, wallet in zip(keys, wallets, strict=True)
    )


if __name__ == "__main__":
    main(sys.stdin.read().split())
