"""The operators' overview and channels in the browser."""

import re
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from channels.models import Channel, CostRule, Probe
from tests.accounts import Account, open_channel
from tests.api.v1.desk import unique
from tests.browser.console.conftest import Visitor

Visit = Callable[..., Visitor]
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}"


def furnish(account: Account) -> Channel:
    """A channel that has a past."""
    channel = account.channel
    CostRule.objects.create(channel=channel, name="mj_*", amount=50_000)
    CostRule.objects.create(channel=channel, name="mj_imagine", mode="relax", amount=12_500)
    account.give_secret("open sesame")
    for number in range(120):
        probe = Probe.objects.create(
            channel=channel, is_ok=number % 17 != 0, milliseconds=90 + number % 23 * 9,
            headroom=number % 11, error="" if number % 17 else "503: " + HOSTILE,
        )  # fmt: skip
        at = timezone.now() - timedelta(minutes=11 * number + 1)
        Probe.objects.filter(pk=probe.pk).update(created_at=at)
    Channel.objects.filter(pk=channel.pk).update(concurrency=12, rpm=90, queue_depth=20)
    for prompt in ("a lighthouse", "zzfail"):
        account.finish(account.draw(prompt))
    return channel


def test_an_operator_sees_how_the_site_stands(visit: Visit, account: Account) -> None:
    furnish(account)
    until = timezone.now() + timedelta(hours=1)
    Channel.objects.filter(pk=account.channel.pk).update(breaker="open", breaker_until=until)
    visitor = visit("operator")
    page = visitor.open("overview/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator(".plot canvas").first).to_be_visible()
    assert page.locator(".plot canvas").count() == 4
    visitor.look("overview")
    text = f"Channel {account.channel.name}: its breaker is open"
    item = page.get_by_role("listitem").filter(has_text=text)
    item.get_by_role("link", name="Open").click()
    page.get_by_role("link", name="Close it now").click()
    visitor.look("channel-close-breaker")
    page.get_by_role("dialog").get_by_role("button", name="Close it now").click()
    expect(page.get_by_text("New tasks go there again.")).to_be_visible()
    assert Channel.objects.get(pk=account.channel.pk).breaker == "closed"


def test_the_overview_renews_itself(visit: Visit, account: Account) -> None:
    page = visit("operator").open("overview/")
    until = timezone.now() + timedelta(hours=1)
    Channel.objects.filter(pk=account.channel.pk).update(breaker="open", breaker_until=until)
    text = f"Channel {account.channel.name}: its breaker is open"
    expect(page.get_by_text(text).first).to_be_visible(timeout=30_000)
    account.awaken()


def test_an_operator_adds_a_channel_tests_copies_and_deletes_it(
    visit: Visit, account: Account
) -> None:
    visitor = visit("operator")
    page = visitor.open("channels/")
    page.get_by_role("link", name="New channel").click()
    name = unique("from-the-console")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Kind").select_option("midjourney_proxy")
    page.get_by_label("Address", exact=True).fill("nowhere")
    page.get_by_label("Secret of its first credential").fill("sesame")
    page.get_by_text("What it may be used for").click()
    page.get_by_label("Groups").fill("nobody's")
    visitor.look("channel-new")
    page.get_by_role("button", name="Make the channel").click()
    expect(page.get_by_text("base_url must be an http or https address")).to_be_visible()
    page.get_by_label("Address", exact=True).fill(account.channel.base_url)
    page.get_by_label("Secret of its first credential").fill("sesame")
    page.get_by_role("button", name="Make the channel").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert "sesame" not in page.content()

    page.get_by_role("button", name="Test").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_text("It has answered in")).to_be_visible()
    visitor.look("channel-tested")
    box.get_by_role("link", name="Close").click()

    page.locator("summary[aria-label=More]").click()
    page.get_by_role("link", name="Copy").click()
    visitor.look("channel-copy")
    box.get_by_role("button", name="Make the copy").click()
    expect(page.get_by_role("heading", name=f"Copy of {name}")).to_be_visible()
    page.locator("summary[aria-label=More]").click()
    page.get_by_role("link", name="Delete").click()
    box.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The channel is deleted.")).to_be_visible()
    Channel.objects.filter(name=name).delete()


def test_a_channel_s_page_has_all_there_is_to_know(visit: Visit, account: Account) -> None:
    channel = furnish(account)
    visitor = visit("operator")
    page = visitor.open(f"channels/{channel.pk}/")
    expect(page.locator(".plot canvas").first).to_be_visible()
    visitor.look("channel")
    for tab, name in (
        ("Attempts", "channel-attempts"), ("Free questions", "channel-probes"),
        ("History", "channel-history"),
    ):  # fmt: skip
        page.get_by_role("navigation", name="Parts").get_by_role("link", name=tab).click()
        expect(page.get_by_role("heading", name=tab, exact=True)).to_be_visible()
        visitor.look(name)
    visitor.open(f"channels/{channel.pk}/")
    page.get_by_role("link", name="Edit the costs").click()
    page.get_by_role("group", name="Row 3").get_by_label("Price name").fill("mj_video")
    page.get_by_role("group", name="Row 3").get_by_label("Cost").fill("much")
    page.get_by_role("button", name="Set the costs").click()
    expect(page.get_by_text("this must be a text such as")).to_be_visible()
    visitor.look("channel-costs")
    page.get_by_role("group", name="Row 3").get_by_label("Cost").fill("0.4")
    page.get_by_role("button", name="Set the costs").click()
    expect(page.get_by_role("cell", name="$0.40")).to_be_visible()

    page.get_by_role("link", name="Add one").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).fill("second")
    box.get_by_label("Secret").fill("another secret")
    visitor.look("credential-new")
    box.get_by_role("button", name="Add it").click()
    page.get_by_role("link", name="Switch off second").click()
    box.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("link", name="Switch on second")).to_be_visible()
    page.get_by_role("link", name="Drain", exact=True).first.click()
    visitor.look("channel-drain")
    box.get_by_role("button", name="Drain").click()
    # The browser wants a reason first.
    assert Channel.objects.get(pk=channel.pk).state == "enabled"
    box.get_by_label("Why").fill("maintenance")
    box.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("The channel is draining.")).to_be_visible()
    assert Channel.objects.get(pk=channel.pk).reason == "maintenance"


def test_priority_and_weight_are_changed_where_they_stand(visit: Visit, account: Account) -> None:
    channel = furnish(account)
    visitor = visit("operator")
    page = visitor.open(f"channels/?q={channel.name}")
    row = page.get_by_role("row").filter(has_text=channel.name)
    row.get_by_label("Priority").fill("7")
    row.get_by_label("Priority").press("Tab")
    expect(row.get_by_label("Priority")).to_have_class(re.compile("is-valid"))
    assert Channel.objects.get(pk=channel.pk).priority == 7
    row.get_by_label("Weight").fill("0")
    row.get_by_label("Weight").press("Enter")
    expect(row.get_by_text("greater than or equal to 1")).to_be_visible()
    visitor.look("channels")
    assert Channel.objects.get(pk=channel.pk).weight == 1


def test_several_channels_are_chosen_and_drained_together(visit: Visit, account: Account) -> None:
    mark = unique("several")
    many = [open_channel(account.stack, group=mark) for _ in range(3)]
    for number, channel in enumerate(many):
        Channel.objects.filter(pk=channel.pk).update(name=f"{mark}-{number}")
    visitor = visit("operator")
    page = visitor.open(f"channels/?q={mark}")
    expect(page.get_by_role("button", name="Drain")).to_be_disabled()
    page.get_by_label("All that are shown").check()
    page.get_by_label(f"Choose {mark}-1").uncheck()
    # It stays so when the list renews itself.
    page.get_by_role("heading", name="Channels").click()
    with page.expect_response(lambda answer: "/channels/" in answer.url, timeout=30_000):
        pass
    expect(page.get_by_label(f"Choose {mark}-0")).to_be_checked()
    expect(page.get_by_label(f"Choose {mark}-1")).not_to_be_checked()
    page.get_by_role("button", name="Drain").click()
    expect(page.get_by_role("heading", name="Drain 2 channels?")).to_be_visible()
    visitor.look("channels-several")
    page.get_by_label("Why").fill("night")
    page.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("2 channels are changed.")).to_be_visible()
    states = [Channel.objects.get(pk=channel.pk).state for channel in many]
    assert states == ["draining", "enabled", "draining"]
    Channel.objects.filter(pk__in=[channel.pk for channel in many]).delete()


def test_support_tests_a_channel_and_changes_none(visit: Visit, account: Account) -> None:
    visitor = visit("support")
    page = visitor.open(f"channels/?q={account.channel.name}")
    expect(page.get_by_role("link", name="New channel")).to_have_count(0)
    page.get_by_role("button", name=f"Test {account.channel.name}").click()
    expect(page.get_by_role("dialog").get_by_text("It has answered in")).to_be_visible()
    visitor.look("channels-support")
