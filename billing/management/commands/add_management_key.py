"""The first key of the management API from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from billing import management_keys
from billing.models import Role, StaffRole, Tenant
from common import audit


class Command(BaseCommand):
    help = "Makes a management key, of the site or with --tenant of a tenant; it is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="who or what will use it")
        parser.add_argument(
            "--role",
            required=True,
            help=f"of the site: {', '.join(StaffRole.values)}; of a tenant: "
            f"{', '.join(Role.values)}",
        )
        parser.add_argument("--tenant", help="the tenant's name; without it the key is the site's")

    def handle(self, *args: Any, name: str, role: str, tenant: str | None, **options: Any) -> None:
        owner = None if tenant is None else Tenant.objects.filter(name=tenant).first()
        if tenant is not None and owner is None:
            raise CommandError(f"there is no tenant {tenant}")
        roles = StaffRole.values if owner is None else Role.values
        if role not in roles:
            raise CommandError(f"the role must be one of {', '.join(roles)}")
        with transaction.atomic():
            row, key = management_keys.make(
                tenant=owner, name=name, role=role, created_by="command line"
            )
            audit.by_command(
                "post management key",
                kind="management key",
                pk=row.pk,
                tenant_id=row.tenant_id,
                after={"name": name, "role": role, "prefix": row.prefix},
            )
        self.stdout.write(key)
