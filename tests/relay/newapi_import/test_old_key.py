"""After the move a tenant notices nothing: the same key, the same calls, the balance goes on."""

import os
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from billing import money
from billing.models import Tenant, Wallet
from channels.models import Channel
from tests.accounts import Account
from tests.proofs import prove
from tests.relay.newapi_import.old_sites import SqliteSite
from tests.stack import Stack


def test_an_old_key_draws_on_the_imported_channel(stack: Stack, tmp_path: Path) -> None:
    name = f"moved-{os.getpid()}"
    key = f"{os.getpid():08d}" * 6
    site = SqliteSite(tmp_path / "one-api.db")
    site.user(1, name, quota=500_000, group=name)
    site.token(1, 1, key, unlimited_quota=False, remain_quota=75_000)
    site.user(2, f"{name}-debtor", quota=-250_000)
    site.user(3, f"{name}-empty")
    site.channel(1, name, base_url=f"{stack.sandbox_url}/midjourney-proxy", group=name)
    call_command(
        "import_newapi",
        site.address,
        "--write",
        "--label",
        name,
        "--skip-prices",
        stdout=StringIO(),
    )
    tenant = Tenant.objects.get(name=name)
    account = Account(stack, tenant, tenant.token_set.get(), key, Channel.objects.get(name=name))
    assert account.finish(account.draw())["status"] == "SUCCESS"
    assert money.text(Wallet.objects.live(tenant.pk).balance) == "0.90"
    # Of its budget of 0.15 it has 0.05 left.
    refused = account.imagine()
    assert "budget" in refused.json()["description"]
    account.key = f"sk-{key}"
    assert account.request("GET", "/v1/models").status_code == 200
    prove(*Tenant.objects.filter(name__startswith=name).values_list("pk", flat=True))
