"""The playground and the docs as Django's client sees them: who draws, once, and nobody else's."""

import base64
import json
import re
import shlex
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from billing import tokens
from billing.models import Member, Role, StaffMember, StaffRole, Token
from common.models import AuditEntry
from console.docs.views import VERIFY
from console.playground import snippets
from relay.messages import posting
from relay.models import Task
from tests.accounts import Account, open_account, open_channel
from tests.api.v1.people import new_user
from tests.console.money_desk import of_tenant
from tests.stack import Stack

PART = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def drawing(stack: Stack) -> Account:
    account = open_account(stack)
    channel = account.channel
    channel.kind = "trueai"
    channel.base_url = channel.base_url.replace("/midjourney-proxy", "/trueai")
    channel.save()
    return account


def client_of(user: Any) -> Client:
    found = Client()
    found.force_login(user)
    return found


def member(account: Account, role: str = Role.DEVELOPER) -> Client:
    user = new_user()
    Member.objects.create(user=user, tenant=account.tenant, role=role)
    return client_of(user)


def place(account: Account, rest: str = "") -> str:
    return f"/console/tenants/{account.tenant.pk}/playground/{rest}"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def png(name: str = "cat.png") -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (32, 32), "teal").save(file, "PNG")
    return SimpleUploadedFile(name, file.getvalue(), "image/png")


def form(account: Account, **fields: Any) -> dict[str, Any]:
    said = {"kind": "imagine", "key": account.token.pk, "prompt": "a pier", "once": "word"}
    return said | fields


def drawn(answer: Any) -> str:
    found = re.search(r'id="drawing-(\d+)"', text(answer))
    assert found, text(answer)
    return found[1]


def test_a_double_click_draws_once_and_a_reload_still_shows_it(drawing: Account) -> None:
    browser = member(drawing)
    first = browser.post(place(drawing), form(drawing, once="a"), headers=PART)
    again = browser.post(place(drawing), form(drawing, once="a"), headers=PART)
    other = browser.post(place(drawing), form(drawing, once="b"), headers=PART)
    assert drawn(first) == drawn(again) != drawn(other)
    page = text(browser.get(place(drawing)))
    assert page.index(f"drawing-{drawn(other)}") < page.index(f"drawing-{drawn(first)}")
    # A colleague has a page of his own.
    assert drawn(first) not in text(member(drawing).get(place(drawing)))
    assert not AuditEntry.objects.filter(tenant_id=drawing.tenant.pk).exists()


def test_a_task_of_the_gallery_is_gone_on_with(drawing: Account, stack: Stack) -> None:
    mine, foreign = drawing.draw("from a program"), open_account(stack).draw("not mine")
    browser = member(drawing)
    assert drawn(browser.get(place(drawing, f"?task={mine}"))) == mine
    # Looking keeps nothing.
    for word in ("", f"?task={foreign}", "?task=x", "?task=" + "9" * 30, "?task=%00"):
        answer = browser.get(place(drawing, word))
        assert (answer.status_code, 'id="drawing-' in text(answer)) == (200, False)


def test_a_click_goes_on_under_its_parent_and_each_button_is_its_own_click(
    drawing: Account,
) -> None:
    browser = member(drawing)
    parent = drawn(browser.post(place(drawing), form(drawing, once="p"), headers=PART))
    buttons = drawing.finish(parent)["buttons"]
    ids = {button["label"]: button["customId"] for button in buttons}
    pressed = [
        drawn(
            browser.post(
                place(drawing, f"tasks/{parent}/press/"),
                {"custom_id": ids[label], "once": "same"},
                headers=PART,
            )
        )
        for label in ("U1", "U1", "U2")
    ]
    assert pressed[0] == pressed[1] != pressed[2]
    page = text(browser.get(place(drawing)))
    children = page.index(f'id="children-{parent}"')
    assert children < page.index(f'id="drawing-{pressed[0]}"')
    live = text(browser.get(place(drawing, f"tasks/{parent}/"), headers=PART))
    assert "data-refresh" not in live
    assert f'src="/mj/image/{parent}?sig=' in live


def test_without_javascript_a_form_leads_back_to_the_page(drawing: Account) -> None:
    browser = member(drawing)
    answer = browser.post(place(drawing), form(drawing, once="plain"))
    assert answer.status_code == 302
    assert f"playground/#drawing-{drawing.last_task.pk}" in answer["Location"]
    wrong = browser.post(place(drawing), form(drawing, prompt=""))
    assert "This field is required." in text(wrong)


def test_pictures_are_judged_before_anything_is_drawn(drawing: Account) -> None:
    browser = member(drawing)
    before = drawing.written["tasks"]
    for fields, said in (
        ({"kind": "blend", "images": [png()]}, "At least 2 pictures"),
        ({"images": [png() for _ in range(6)]}, "At most 5 pictures"),
        ({"images": [SimpleUploadedFile("x.png", b"<svg/>", "image/png")]}, "is no picture"),
        ({"kind": "describe", "images": [png(), png()]}, "At most 1"),
    ):
        answer = browser.post(place(drawing), form(drawing, **fields), headers=PART)
        assert said in text(answer)
        assert answer["HX-Retarget"] == "#said"
    assert drawing.written["tasks"] == before
    answer = browser.post(
        place(drawing),
        form(drawing, kind="describe", images=[png()], once="describe"),
        headers=PART,
    )
    described = drawn(answer)
    drawing.finish(described)
    live = text(browser.get(place(drawing, f"tasks/{described}/"), headers=PART))
    assert live.count("Draw this") == 4


def test_what_is_too_large_is_refused_unread(bystander: Account) -> None:
    browser = member(bystander)
    answer = browser.post(place(bystander), form(bystander), CONTENT_LENGTH=str(31 * 2**20))
    assert (answer.status_code, text(answer)) == (413, "This is more than 30 MB.")
    assert "Content-Security-Policy" in answer


def test_a_refusal_of_the_api_stands_above_the_form(drawing: Account) -> None:
    browser = member(drawing)
    poor = drawing.new_key(budget="0.01")
    answer = browser.post(place(drawing), form(drawing, key=poor.token.pk), headers=PART)
    assert answer["HX-Retarget"] == "#said"
    assert "alert-danger" in text(answer)
    # A click whose answer was lost, and other words after it: nothing is drawn twice unseen.
    browser.post(place(drawing), form(drawing, once="lost"), headers=PART)
    answer = browser.post(place(drawing), form(drawing, prompt="new", once="lost"), headers=PART)
    assert "was taken after all" in text(answer)
    assert 'id="once" hx-swap-oob="true"' in text(answer)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, "operator"])
def test_who_may_not_draw_looks_on(bystander: Account, role: str) -> None:
    user = new_user()
    if role == "operator":
        StaffMember.objects.create(user=user, role=StaffRole.OPERATOR)
    else:
        Member.objects.create(user=user, tenant=bystander.tenant, role=role)
    browser = client_of(user)
    assert "You look on here" in text(browser.get(place(bystander)))
    answer = browser.post(place(bystander), form(bystander), headers=PART)
    assert "may not draw" in text(answer)
    assert not Task.objects.filter(tenant=bystander.tenant).exists()


def test_an_operator_who_is_a_member_draws_as_a_member(bystander: Account) -> None:
    user = new_user()
    StaffMember.objects.create(user=user, role=StaffRole.OPERATOR)
    Member.objects.create(user=user, tenant=bystander.tenant, role=Role.OWNER)
    assert 'id="draw"' in text(client_of(user).get(place(bystander)))


def test_nobody_sees_or_continues_another_tenant_s_tasks(stack: Stack) -> None:
    drawing = open_account(stack)
    task_id = drawing.draw()
    drawing.finish(task_id)
    stranger = open_account(stack)
    browser = member(stranger, Role.OWNER)
    assert browser.get(place(drawing)).status_code == 404
    before = drawing.written, stranger.written
    for deed in ("press", "confirm", "cancel", "seed"):
        answer = browser.post(place(stranger, f"tasks/{task_id}/{deed}/"), {"custom_id": "x"})
        assert answer.status_code == 404
    for look in ("", "code/"):
        assert browser.get(place(stranger, f"tasks/{task_id}/{look}")).status_code == 404
    answer = browser.post(place(stranger), form(drawing), headers=PART)
    assert "valid choice" in text(answer)
    assert (drawing.written, stranger.written) == before


def test_the_price_follows_mode_key_and_flags(bystander: Account) -> None:
    browser = member(bystander)

    def shown(**fields: Any) -> str:
        answer = text(browser.post(place(bystander, "preview/"), form(bystander, **fields)))
        (found,) = re.findall(r'<p class="price[^>]*>(.*?)</p>', answer, re.DOTALL)
        return re.sub(r"<[^>]+>", "", found)

    assert shown().startswith("Costs $0.10 in the mode Fast")
    assert "Relax" in shown(prompt="x --relax")
    assert "Turbo" in shown(prompt="x --relax", mode="turbo")
    Token.objects.filter(pk=bystander.token.pk).update(modes=["relax"], budget=5_000_000)
    assert shown() == "There is no price in the mode Fast."
    assert "$5.00 left on this key" in shown(mode="relax")
    test, _ = tokens.make(tenant=bystander.tenant, name="play", is_test=True)
    assert "play money" in shown(key=test.pk)


@pytest.mark.parametrize("prompt", ['it\'s <b>"x"</b> $HOME `id`', "مرحبا \u202e", "a\nb\\c"])
def test_the_code_is_what_would_be_sent_whatever_the_prompt(
    bystander: Account, prompt: str
) -> None:
    said = {"prompt": prompt}
    curl, python, script = snippets.of("/mj/submit/imagine", said)
    words = shlex.split(curl.text.replace("\\\n", " "))
    assert json.loads(words[words.index("-d") + 1]) == said
    sent: dict[str, Any] = {}

    class Requests:
        @staticmethod
        def post(url: str, **told: Any) -> type[X]:
            sent.update(told)
            return X

    source = python.text.replace("import requests", "")
    exec(source, {"requests": Requests, "print": lambda *said: None})
    assert sent["json"] == said
    found = re.search(r"JSON\.stringify\((.*)\),\n\}\);", script.text, re.DOTALL)
    assert found
    assert json.loads(found[1]) == said
    page = text(
        member(bystander).post(place(bystander, "preview/"), form(bystander, prompt=prompt))
    )
    assert "<b>" not in page


class X:
    @staticmethod
    def json() -> None:
        """As an answer of requests."""


def test_no_key_stands_in_the_docs_until_one_is_made(bystander: Account) -> None:
    browser = member(bystander)
    base = f"/console/tenants/{bystander.tenant.pk}/docs/"
    page = text(browser.get(base))
    assert "YOUR_API_KEY" in page
    assert bystander.token.prefix not in page
    reference = browser.get(f"{base}reference/")
    assert "frame-ancestors 'none'" in reference["Content-Security-Policy"]
    policy = reference["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    (nonce,) = re.findall(r"style-src 'self' 'nonce-([\w-]{20,})'; style-src-attr", policy)
    assert f'nonce="{nonce}"' in reference.content.decode()
    assert reference["Cache-Control"] == "no-store"


def test_the_docs_propose_a_test_key_only_when_a_channel_draws_for_it(bystander: Account) -> None:
    page = f"/console/tenants/{bystander.tenant.pk}/docs/key/"
    browser = of_tenant(bystander)
    asked = re.compile(r'name="is_test"[^>]* checked')
    assert not asked.search(text(browser.get(page)))
    made = browser.post(page, {"name": "for nothing", "is_test": "on"})
    assert "No channel draws for test keys yet" in text(made)
    open_channel(bystander.stack, group=bystander.tenant.group.name, is_test=True)
    assert asked.search(text(browser.get(page)))
    made = browser.post(page, {"name": "for tests", "is_test": "on"})
    assert "No channel draws for test keys yet" not in text(made)


def test_a_new_key_is_shown_with_a_first_drawing_and_leads_back(bystander: Account) -> None:
    Token.objects.filter(pk=bystander.token.pk).update(is_active=False)
    browser = of_tenant(bystander)
    page = text(browser.get(place(bystander)))
    link = f"/console/tenants/{bystander.tenant.pk}/keys/new/?to=playground"
    assert f'href="{link}"' in page
    made = text(browser.post(link, {"name": "first"}))
    secret = re.search(r"data-once>\s*<textarea[^>]*>([^<]+)<", made)
    assert secret
    assert f"Authorization: Bearer {secret[1]}" in made
    assert f'href="{place(bystander)}">I have copied it' in made
    elsewhere = text(browser.post(link.replace("playground", "//example.com"), {"name": "other"}))
    assert "example.com" not in elsewhere.split("data-once")[1]


def test_the_example_of_a_signature_check_is_right() -> None:
    secret = "whsec_" + base64.b64encode(b"0" * 24).decode()
    scope: dict[str, Any] = {}
    exec(VERIFY, scope)
    headers = posting.signature(
        message_id="msg_1", timestamp=int(time.time()), body="{}", secrets=[secret]
    )
    is_genuine: Callable[..., bool] = scope["is_genuine"]
    assert is_genuine(headers, b"{}", secret)
    assert not is_genuine(headers, b"{} ", secret)
    assert not is_genuine(headers | {"webhook-timestamp": "1"}, b"{}", secret)
