"""From a whole old site to a whole new one."""

from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from billing import money, tokens
from billing.models import Entry, Group, Member, PriceBook, Tenant, Token, Wallet
from channels.models import Channel
from relay.newapi_import.run import LOCK
from tests.relay.newapi_import.conftest import run
from tests.relay.newapi_import.old_sites import HASH, SqliteSite

KEY = "Zy9" * 16
SECRET = "upstream-secret-1"


@pytest.fixture
def full_site(site: SqliteSite) -> SqliteSite:
    site.user(1, "old-root", role=100, quota=100_000_000)
    site.user(2, "old-alice", quota=1_000_001, email="alice@example.com", group="old-vip")
    site.user(3, "old-debtor", quota=-750_000)
    site.user(4, "old-empty")
    site.user(5, "old-gone", quota=7_000_000, deleted_at="2026-01-01 00:00:00")
    site.token(1, 2, KEY)
    site.token(2, 5, "Xx1" * 16)
    site.token(3, 2, "Xx2" * 16, deleted_at="2026-01-01 00:00:00")
    site.channel(
        1, "old-proxy", key=SECRET, models="mj_imagine,mj_upscale", group="old-vip,default"
    )
    site.channel(2, "old-trueai", type=5, base_url="https://mj.example:8443/", weight=7, priority=3)
    site.channel(3, "old-openai", type=1, models="gpt-4o")
    site.option("ModelPrice", '{"mj_imagine": 0.2, "gpt-4-gizmo-*": 0.1, "swap_face": 0.01}')
    site.option("GroupRatio", '{"default": 1, "old-vip": 0.8}')
    site.option("GroupGroupRatio", '{"old-vip": {"default": 0.9}}')
    return site


def counts() -> dict[str, int]:
    models = (Tenant, Wallet, Entry, Token, Member, Group, Channel, PriceBook, get_user_model())
    return {model.__name__: model.objects.count() for model in models}


def test_a_site_moves_over(imported: Callable[..., str], full_site: SqliteSite) -> None:
    report = imported(full_site)
    moved = {name: Tenant.objects.get(name=f"old-{name}") for name in ("root", "alice", "debtor")}
    wallets = {name: Wallet.objects.live(tenant.pk) for name, tenant in moved.items()}
    assert money.text(wallets["root"].balance) == "200.00"
    assert money.text(wallets["alice"].balance) == "2.000002"
    assert money.text(wallets["debtor"].balance) == "-1.50"
    assert money.text(wallets["debtor"].credit_limit) == "1.50"
    assert wallets["debtor"].available == 0
    entry = Entry.objects.get(wallet=wallets["alice"])
    assert (entry.kind, entry.reference, entry.actor) == ("topup", "newapi-user-2", "import_newapi")
    assert tokens.authenticate(f"sk-{KEY}").tenant_id == moved["alice"].pk
    assert tokens.authenticate(KEY).group_name == "old-vip"
    assert not Tenant.objects.filter(name="old-gone").exists()
    figures = [line.split() for line in report.splitlines()]
    assert ["users", "5", "4", "0", "0", "1"] in figures
    assert ["keys", "3", "1", "0", "1", "1"] in figures
    assert ["channels", "3", "2", "0", "1", "0"] in figures
    # On both sides: 100,000,000 + 1,000,001 - 750,000 quota at 500,000 for 1.00.
    assert ["imported", "100,250,001", "200.500002"] in figures
    assert ["wallets", "200.500002"] in figures


def test_an_administrator_is_an_ordinary_tenant_here(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    report = imported(full_site)
    root = get_user_model().objects.get(username="old-root")
    assert (root.is_staff, root.is_superuser) == (False, False)
    assert Member.objects.get(user=root).role == "owner"
    assert "1  administrators there, ordinary tenants here\n          user 1\n" in report


def test_channels_move_over_with_all_they_have(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    imported(full_site)
    proxy, trueai = Channel.objects.filter(name__startswith="old-").order_by("name")
    assert (proxy.kind, proxy.credentials.get().secret) == ("midjourney_proxy", SECRET)
    assert (proxy.groups, proxy.state) == (["old-vip", "default"], "enabled")
    assert proxy.actions == ["IMAGINE", "UPSCALE", "UPSCALE_HD"]
    assert (trueai.kind, trueai.base_url) == ("trueai", "https://mj.example:8443")
    assert (trueai.priority, trueai.weight) == (3, 7)
    assert proxy.weight == 1


def test_prices_become_a_draft_with_what_new_api_has_built_in(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    in_force = PriceBook.objects.in_force()
    report = imported(full_site)
    assert PriceBook.objects.in_force() == in_force
    draft = PriceBook.objects.get(memo__startswith="from a new-api", published_at=None)
    prices = dict(draft.rules.values_list("name", "amount"))
    assert money.text(prices["mj_imagine"]) == "0.20"
    assert money.text(prices["swap_face"]) == "0.01"
    assert money.text(prices["mj_video"]) == "0.80"
    assert "gpt-4-gizmo-*" not in prices
    ratios = {
        (line.group.name, line.home and line.home.name): line.ratio for line in draft.ratios.all()
    }
    assert ratios["old-vip", None] == Decimal("0.8")
    assert ratios["default", "old-vip"] == Decimal("0.9")
    assert "2 set there, 16 built in there" in report


def test_prices_are_in_force_at_once_when_asked_for(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    assert "in force at once" in imported(full_site, "--publish-prices")
    book = PriceBook.objects.in_force()
    assert book is not None
    assert book.memo.startswith("from a new-api database")


def test_channels_and_prices_may_be_left_out(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    books = PriceBook.objects.count()
    report = imported(full_site, "--skip-channels", "--skip-prices")
    assert report.count("left out") == 2
    assert PriceBook.objects.count() == books
    assert not Channel.objects.filter(name__startswith="old-").exists()


def test_without_write_it_is_a_rehearsal(unseen: None, full_site: SqliteSite) -> None:
    before = counts()
    out = StringIO()
    call_command("import_newapi", full_site.address, stdout=out)
    assert counts() == before
    assert ["imported", "100,250,001", "200.500002"] in [
        line.split() for line in out.getvalue().splitlines()
    ]
    assert "nothing was kept; add --write" in out.getvalue()


def test_a_second_run_brings_only_what_is_new(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    imported(full_site)
    before = counts()
    report = imported(full_site)
    assert counts() == before
    figures = [line.split() for line in report.splitlines()]
    assert ["users", "5", "0", "4", "0", "1"] in figures
    assert ["keys", "3", "0", "1", "1", "1"] in figures
    assert ["channels", "3", "0", "2", "1", "0"] in figures
    assert "has these prices already" in report
    # A quota that has changed there since is not booked again.
    full_site.connection.execute("UPDATE users SET quota = quota + 500000")
    full_site.user(6, "old-new", quota=500_000)
    full_site.token(4, 2, "Xx4" * 16)
    imported(full_site)
    alice = Tenant.objects.get(name="old-alice")
    assert money.text(Wallet.objects.live(alice.pk).balance) == "2.000002"
    assert tokens.authenticate("Xx4" * 16).tenant_id == alice.pk
    assert Tenant.objects.filter(name__startswith="old-").count() == 5


def test_a_second_source_has_a_label_of_its_own(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    imported(full_site)
    full_site.connection.execute("UPDATE tokens SET key = substr(key, 1, 40) || 'another2'")
    report = imported(full_site, "--label", "second")
    assert "4  users whose name is taken or cannot be kept" in report
    alice = Tenant.objects.get(name="old-alice-second-2")
    assert money.text(Wallet.objects.live(alice.pk).balance) == "2.000002"
    assert tokens.authenticate(KEY[:40] + "another2").tenant_id == alice.pk
    assert Member.objects.get(tenant=alice).user.username == "old-alice-second-2"
    with pytest.raises(CommandError, match="--label"):
        run(full_site, "--label", "Second one")


def test_nothing_is_kept_when_the_books_do_not_come_out_right(
    unseen: None, full_site: SqliteSite
) -> None:
    with connection.cursor() as cursor:
        # A database that loses a millionth each time money comes in.
        cursor.execute("""
            CREATE FUNCTION nibble() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.balance := NEW.balance - 1; RETURN NEW; END $$;
            CREATE TRIGGER nibble BEFORE UPDATE ON billing_wallet FOR EACH ROW
                WHEN (NEW.balance > 100000000) EXECUTE FUNCTION nibble();
        """)
    before = counts()
    with pytest.raises(CommandError, match="1 wallets do not hold what was brought along: user 1"):
        run(full_site, "--write")
    assert counts() == before


def test_nothing_is_kept_when_a_key_would_open_nothing(unseen: None, full_site: SqliteSite) -> None:
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION shut() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.is_active := false; RETURN NEW; END $$;
            CREATE TRIGGER shut BEFORE INSERT ON billing_token FOR EACH ROW EXECUTE FUNCTION shut();
        """)
    before = counts()
    with pytest.raises(CommandError, match="1 keys do not work as they should: key 1"):
        run(full_site, "--write")
    assert counts() == before


def test_two_imports_do_not_run_at_once(unseen: None, database: str, full_site: SqliteSite) -> None:
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        with pytest.raises(CommandError, match="another import is under way"):
            run(full_site, "--write")


def test_the_report_holds_no_secrets(imported: Callable[..., str], full_site: SqliteSite) -> None:
    full_site.token(8, 2, "Secret key with blanks")
    full_site.token(9, 99, "Sk9" * 16)
    full_site.channel(9, "old-several", key=f"{SECRET}\nsecond-secret")
    report = imported(full_site, verbosity=2)
    for secret in (KEY, SECRET, "second-secret", "Secret key", "Sk9Sk9", HASH):
        assert secret not in report


def test_amounts_are_in_the_sites_currency(
    imported: Callable[..., str], full_site: SqliteSite
) -> None:
    assert settings.CURRENCY in imported(full_site)
