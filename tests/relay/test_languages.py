"""What goes to people goes in their language: notices, mails, statements."""

from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import RequestFactory
from django.utils import timezone
from django.utils.translation import override
from pypdf import PdfReader

from billing import invitations, ledger, management_keys, notices, statement_files
from billing.models import Delivery, Notice, Role, Tenant
from billing.periods import Period
from common import languages
from common.audit import Origin
from relay import checks
from relay.api.v1 import notices as v1_notices
from relay.api.v1 import statements as v1_statements
from relay.api.v1.operation import perform
from relay.errors import InvalidRequest
from relay.messages import hooks
from relay.messages.posting import Delivery as Answer
from relay.watch import incidents
from relay.watch import notices as sending
from tests.accounts import Account, open_tenant
from tests.ledger import hold
from tests.traffic import spread
from tools import translations

CHINESE, ENGLISH = "zh-hans", "en"
READER = "wang@shop.example"
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
VALUES = {"tenant": "北京画室 100%", "threshold": "5.00", "currency": "CNY", "available": "4.99"}


@pytest.fixture(autouse=True)
def _translated() -> None:
    translations.main()


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What people have chosen, by address."""
    known = {READER: CHINESE}
    monkeypatch.setattr(languages, "CHOSEN", [lambda address: known.get(address, "")])
    return known


@pytest.fixture
def outbox(settings: Any) -> list[Any]:
    settings.EMAIL_URL = "smtp://mail.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = "relay@relay.example"
    mail.outbox = []
    return mail.outbox


def low(tenant: Tenant) -> Notice:
    return notices.raise_notice(
        tenant=tenant,
        kind=notices.BALANCE_LOW,
        subject=notices._LOW,
        text=notices._LOW_TEXT,
        data={},
        values=VALUES,
    )


def test_a_notice_is_kept_in_english_and_read_in_any_language(bystander: Account) -> None:
    notice = low(bystander.tenant)
    notice.refresh_from_db()
    assert notice.subject == "The balance of 北京画室 100% is below 5.00 CNY"
    assert notices.said(notice) == (notice.subject, notice.text)
    with override(CHINESE):
        subject, text = notices.said(notice)
    assert subject == "北京画室 100% 的余额低于 5.00 CNY"
    assert "4.99 CNY" in text
    assert text.count("\n\n") == notice.text.count("\n\n") == 1


def test_a_notice_of_an_older_version_is_read_as_it_was_written(bystander: Account) -> None:
    notice = Notice.objects.create(tenant=bystander.tenant, kind="x", subject="50% off", text="x")
    with override(CHINESE):
        assert notices.said(notice) == ("50% off", "x")


def test_a_mail_is_in_the_language_that_its_reader_has_chosen(
    database: str, readers: dict[str, str], outbox: list[Any], settings: Any
) -> None:
    tenant, *_ = open_tenant(funds="0")
    notice = low(tenant)
    for address, site in ((READER, ENGLISH), ("eve@shop.example", ENGLISH), ("", CHINESE)):
        settings.SITE_LANGUAGE = site
        # Due later, so that nobody else sends it.
        row = Delivery.objects.create(
            notice=notice,
            way="mail",
            address=address or "x@x.example",
            due_at=timezone.now() + timedelta(days=1),
        )
        sending.deliver(row.pk, 0)
    chinese = "北京画室 100% 的余额低于 5.00 CNY"
    assert [sent.subject for sent in outbox] == [chinese, notice.subject, chinese]
    assert "可用余额" in outbox[0].body
    assert outbox[1].body.startswith(notice.text + "\n\n-- \n")


def test_every_notice_of_ours_has_all_that_its_texts_name(bystander: Account) -> None:
    for kind in incidents.WORDS:
        incidents._tell(
            kind,
            1,
            "灯塔",
            why="100% of 3 went wrong",
            more={"seconds": "300", "credential": "first", "since": "2026-01-01"},
        )
    gone = Answer(status_code=410, answer="", milliseconds=1)
    assert hooks.note(bystander.tenant.pk, "https://shop.example/100%25", gone)
    kinds = [*incidents.WORDS, hooks.HOOK_OFF]
    for notice in [Notice.objects.filter(kind=kind).latest("pk") for kind in kinds]:
        with override(CHINESE):
            subject, text = notices.said(notice)
        assert subject != notice.subject
        assert text != notice.text
        assert "%(" not in subject + text + notice.subject + notice.text


def test_an_invitation_speaks_to_who_is_invited(
    database: str, readers: dict[str, str], outbox: list[Any], settings: Any
) -> None:
    tenant, *_ = open_tenant(funds="0")

    def invite(address: str) -> str:
        invitations.invite(tenant=tenant, email=address, role=Role.OWNER, actor="t", by_site=False)
        return str(outbox[-1].body)

    assert "所有者" in invite(READER)
    assert "Owner" in invite("a@x.example")
    with override(CHINESE):
        assert "所有者" in invite("b@x.example")
        readers["c@x.example"] = ENGLISH
        assert "Owner" in invite("c@x.example")
    settings.SITE_LANGUAGE = CHINESE
    assert "所有者" in invite("d@x.example")


def test_a_pdf_is_in_the_language_that_is_asked_for(bystander: Account, settings: Any) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name="上海画廊有限公司")
    ledger.release(reference=hold(bystander))
    spread(bystander.wallet, first=MARCH.first, last=MARCH.last)

    def text(language: str) -> str:
        file = statement_files.make(
            format="pdf", tenant_id=bystander.tenant.pk, period=MARCH, language=language
        )
        (page,) = PdfReader(BytesIO(b"".join(file.pieces))).pages
        return page.extract_text().replace("\n", "")

    for shown in ("对账单", "上海画廊有限公司", "2026-03-01 至 2026-03-31", "期初余额", "绘图扣费",
                  "第 1 页，共 1 页", "合计", "mj_imagine"):  # fmt: skip
        assert shown in text(CHINESE), shown
    assert "Opening balance" in text(ENGLISH)
    assert "上海画廊有限公司" in text(ENGLISH)
    assert "Opening balance" in text("")
    settings.SITE_LANGUAGE = CHINESE
    assert "期初余额" in text("")


def test_the_command_prints_in_the_sites_language_unless_told(
    bystander: Account, settings: Any
) -> None:
    def printed(*more: str) -> str:
        said = StringIO()
        days = (MARCH.first.isoformat(), MARCH.last.isoformat())
        call_command("statement", bystander.tenant.name, *days, *more, stdout=said)
        return said.getvalue()

    assert "Opening balance" in printed()
    assert "期初余额" in printed("--language", CHINESE)
    settings.SITE_LANGUAGE = CHINESE
    assert "期初余额" in printed()
    assert "Opening balance" in printed("--language", ENGLISH)
    # Programs read this.
    assert "opening" in printed("--format", "csv")


LOOKS = [
    ("", "", "en"),
    ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-hans"),
    ("", "fr-FR, zh;q=0.1", "zh-hans"),
    ("en", "zh-CN", "en"),
    ("xx", "zh-CN", "zh-hans"),
    ("x" * 1000, "*", "en"),
    ("", "x" * 10_000, "en"),
]


@pytest.mark.parametrize(("cookie", "header", "language"), LOOKS)
def test_a_page_is_in_the_language_of_who_looks(cookie: str, header: str, language: str) -> None:
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=header)
    request.COOKIES["language"] = cookie
    assert languages.of_request(request) == language


def test_who_asks_for_no_language_of_ours_gets_the_sites(settings: Any) -> None:
    settings.SITE_LANGUAGE = CHINESE
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE="fr")
    assert languages.of_request(request) == CHINESE


def test_a_site_speaks_a_language_that_there_is(settings: Any) -> None:
    assert checks.site_language(None) == []
    settings.SITE_LANGUAGE = "klingon"
    (error,) = checks.site_language(None)
    assert "en, zh-hans" in error.msg


def asked(account: Account, view: Any, **query: str) -> Any:
    """What the API answers an owner of the tenant, in the language that is active."""
    who = management_keys.person(
        user_id=1, name="owner", role=Role.OWNER, tenant_id=account.tenant.pk
    )
    return perform(view, "get", who=who, tenant_id=account.tenant.pk, query=query, origin=Origin())


def test_the_console_shows_notices_in_its_readers_language(bystander: Account) -> None:
    notice = low(bystander.tenant)
    (line,) = asked(bystander, v1_notices.Notices)["data"]
    assert (line["subject"], line["text"]) == (notice.subject, notice.text)
    with override(CHINESE):
        (line,) = asked(bystander, v1_notices.Notices)["data"]
    assert line["subject"] == "北京画室 100% 的余额低于 5.00 CNY"
    notice.refresh_from_db()
    assert notice.subject.startswith("The balance")


def test_programs_ask_for_the_language_of_a_pdf(bystander: Account) -> None:
    days = {"first": "2026-03-01", "last": "2026-03-31", "format": "pdf"}
    for more, shown in (({}, "Opening balance"), ({"language": CHINESE}, "期初余额")):
        answer = asked(bystander, v1_statements.Statement, **days, **more)
        (page,) = PdfReader(BytesIO(b"".join(answer.streaming_content))).pages
        assert shown in page.extract_text()
    with pytest.raises(InvalidRequest, match="language"):
        asked(bystander, v1_statements.Statement, **days, language="xx")


def test_a_name_in_whatever_script_is_no_crash(bystander: Account) -> None:
    Tenant.objects.filter(pk=bystander.tenant.pk).update(name="😀 한국어 العربية ﷽ \u202e")
    for language in (CHINESE, ENGLISH):
        file = statement_files.make(
            format="pdf", tenant_id=bystander.tenant.pk, period=MARCH, language=language
        )
        assert b"".join(file.pieces).startswith(b"%PDF")
