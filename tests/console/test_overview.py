"""The console's overview of the site."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import StaffRole, TopUp
from channels.models import Channel
from relay.models import Attempt, Task
from tests.accounts import Account
from tests.console.accounts.visitor import member, staff, text
from tests.console.prices_desk import signed_in
from tests.faults.place import begin_attempt

PLACE = "/console/overview/"
HTMX = {"HTTP_HX_REQUEST": "true"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def operator(bystander: Account) -> Client:
    del bystander
    return signed_in(staff())


def links(page: Any) -> dict[str, str]:
    """Where what needs attention is mended, by its text."""
    body = page.content.decode()
    rows = re.findall(r'<li class="list-group-item(.+?)</li>', body, re.DOTALL)
    found = {}
    for row in rows:
        said = re.search(r'dir="auto">([^<]*)<', row)
        link = re.search(r'<a [^>]*href="([^"]+)"', row)
        if said:
            found[unescape(said[1])] = unescape(link[1]) if link else ""
    return found


def plots(page: Any) -> list[dict[str, Any]]:
    return [
        json.loads(unescape(row))
        for row in re.findall(r'data-plot="([^"]+)"', page.content.decode())
    ]


def test_an_operator_sees_money_work_and_how_it_went(operator: Client) -> None:
    page = operator.get(PLACE)
    for word in ("Revenue", "Cost", "Margin", "Submits", "Success rate", "Live tasks", "Poll lag",
                 "Callback lag", "Needs attention"):  # fmt: skip
        assert word in text(page)
    found = plots(page)
    assert [(len(row["times"]), len(row["series"])) for row in found] == [
        (24, 3), (24, 3), (30, 3), (30, 3),
    ]  # fmt: skip
    assert {row["unit"] for row in found[0]["series"]} == {"money"}


def test_support_sees_the_work_and_no_money(bystander: Account) -> None:
    del bystander
    page = signed_in(staff(StaffRole.SUPPORT)).get(PLACE)
    assert "Live tasks" in text(page)
    assert not re.search(r"Revenue|Margin|Cost", text(page))
    assert len(plots(page)) == 2


def test_what_needs_attention_leads_to_where_it_is_mended(
    operator: Client, bystander: Account
) -> None:
    channel = bystander.channel
    until = timezone.now() + timezone.timedelta(hours=1)
    Channel.objects.filter(pk=channel.pk).update(breaker="open", breaker_until=until)
    found = links(operator.get(PLACE))
    text_ = f"Channel {channel.name}: its breaker is open"
    assert found[text_] == f"/console/channels/{channel.pk}/"


def test_what_somebody_has_to_decide_stands_there_too(operator: Client, bystander: Account) -> None:
    task_id, attempt_id = begin_attempt(bystander, "x")
    Attempt.objects.filter(pk=attempt_id).update(outcome="unknown")
    Task.objects.filter(pk=task_id).update(upstream_id="")
    TopUp.objects.create(
        number=f"dispute{bystander.tenant.pk:08x}", tenant=bystander.tenant, provider="stripe",
        amount=1, pay_amount=1, pay_currency="USD", state="disputed",
    )  # fmt: skip
    found = links(operator.get(PLACE))
    (unknown,) = [url for said, url in found.items() if "nobody knows" in said]
    assert unknown.startswith("/console/tasks/")
    (dispute,) = [url for said, url in found.items() if "payments" in said]
    assert dispute == "/console/top-ups/?state=disputed"


def test_without_any_channel_it_says_what_to_do_next(operator: Client) -> None:
    Channel.objects.all().update(state="disabled")
    assert links(operator.get(PLACE))["No channel is enabled"] == "/console/channels/"


def test_a_hostile_name_is_only_text(operator: Client, bystander: Account) -> None:
    Channel.objects.filter(pk=bystander.channel.pk).update(
        name=HOSTILE, state="disabled", reason=HOSTILE
    )
    body = operator.get(PLACE).content.decode()
    assert HOSTILE not in body
    assert "&lt;script&gt;" in body


@pytest.mark.parametrize("part", ["overview-now", "overview-plots"])
def test_each_part_is_renewed_alone(operator: Client, part: str) -> None:
    body = operator.get(PLACE, HTTP_HX_TARGET=part, **HTMX).content.decode()
    assert f'id="{part}"' in body
    assert "<html" not in body


def test_a_tenant_s_people_find_no_overview(bystander: Account) -> None:
    assert signed_in(member(bystander.tenant).user).get(PLACE).status_code == 404
    assert Client().get(PLACE).status_code == 302
