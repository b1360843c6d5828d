"""A tenant's callbacks in the browser: sent, failed, sent again, tested; the secret."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from billing.models import Tenant
from relay.messages import hooks
from relay.messages.posting import Delivery
from relay.models import Callback
from tests.accounts import Account
from tests.browser.console.conftest import Visitor
from tests.stack import wait_until

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}"


def test_a_callback_that_was_held_back_is_found_and_sent_again(
    visit: Visit, account: Account
) -> None:
    url = account.stack.inbox_url(account.tenant.name)
    assert hooks.note(account.tenant.pk, url, Delivery(410, "", 1))
    task_id = account.draw(f"{HOSTILE} zzfail", notifyHook=url)
    account.finish(task_id)
    visitor = visit("developer", account.tenant)
    page = visitor.open("callbacks/hooks/")
    expect(page.get_by_text("it answered 410 Gone")).to_be_visible()
    visitor.look("callbacks-hooks")
    page.get_by_role("link", name="Switch on").click()
    box = page.get_by_role("dialog")
    box.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("No address fails.")).to_be_visible()

    page.get_by_role("link", name="Messages", exact=True).click()
    expect(page.get_by_role("cell", name="Held back")).to_be_visible()
    visitor.look("callbacks")
    page.get_by_role("link", name="Send again").click()
    box.get_by_label("From").fill("2026-01-01T00:00")
    visitor.look("callbacks-replay")
    box.get_by_role("button", name="Send them again").click()
    expect(page.get_by_text("1 message is sent again.")).to_be_visible()
    row = Callback.objects.get(task=int(task_id), is_final=True)
    wait_until(
        lambda: Callback.objects.get(pk=row.pk).state == "delivered", seconds=20, what="the replay"
    )
    page = visitor.open(f"callbacks/{row.pk}/")
    expect(page.get_by_text("Delivered", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("^v1,"))).to_be_visible()
    visitor.look("callback")


def test_the_test_button_tells_what_the_receiver_answered(visit: Visit, account: Account) -> None:
    visitor = visit("developer", account.tenant)
    page = visitor.open("callbacks/hooks/")
    page.get_by_role("link", name="Change").click()
    box = page.get_by_role("dialog")
    url = account.stack.inbox_url(account.tenant.name, "?status=418")
    box.get_by_label("Callback address").fill(url)
    box.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The callback address is changed.")).to_be_visible()
    page.get_by_role("link", name="Samples").click()
    page.get_by_role("link", name="Send a sample").click()
    box.get_by_role("button", name="Send it").click()
    expect(box.get_by_text("418", exact=True)).to_be_visible()
    visitor.look("callbacks-tested")
    box.get_by_role("link", name="Done").click()
    expect(page.get_by_role("cell", name=re.compile("^418"))).to_be_visible()
    visitor.look("callbacks-tests")


def test_the_secret_is_shown_after_a_question_and_replaced(visit: Visit, account: Account) -> None:
    visitor = visit("developer", account.tenant)
    page = visitor.open("callbacks/hooks/")
    page.get_by_role("link", name="Show").click()
    box = page.get_by_role("dialog")
    box.get_by_role("button", name="Show it").click()
    old = box.get_by_label("Secret").input_value()
    assert old == Tenant.objects.get(pk=account.tenant.pk).webhook_secret
    visitor.look("callbacks-secret")
    box.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Replace").click()
    box.get_by_label("Seconds that the old one goes on").fill("3600")
    box.get_by_role("button", name="Replace it").click()
    assert box.get_by_label("Secret").input_value() != old
    box.get_by_role("link", name="Done").click()
    expect(page.get_by_text("The secret that was replaced signs, too, until")).to_be_visible()
