from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RelayConfig(AppConfig):
    name = "relay"

    def ready(self) -> None:
        from relay import checks  # noqa: F401  registers the system checks

        post_migrate.connect(_make_parts, sender=self)


def _make_parts(**_: Any) -> None:
    """A site that stood still for long has parts again before anybody comes."""
    from relay.weeks import retention

    if retention.is_parted():
        retention.make_ahead()
