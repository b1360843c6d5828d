"""Tenants, channels and keys are chosen by their names."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from billing import tenants, tokens
from billing.models import Tenant
from channels.models import Channel
from relay.api.v1.paging import PAGE_ROWS_MAX
from tests.accounts import Account
from tests.console.accounts.visitor import unique
from tests.console.money_desk import HOSTILE, of_staff, of_tenant, place
from tests.faults.place import begin

TASKS = "/console/tasks/"
TENANTS = "/console/suggest/tenants/"


@pytest.fixture
def support(bystander: Account) -> Client:
    del bystander
    return of_staff("support")


def unlike(name: str) -> str:
    """A name that begins no other one, and whose end no other one has."""
    return f"{unique(name)}!"


def called(account: Account, name: str) -> str:
    name = unlike(name)
    Tenant.objects.filter(pk=account.tenant.pk).update(name=name)
    return name


def few_channels() -> None:
    """For this test those of others, and their tasks, are gone: there may be more than one chooses
    from."""
    last = Channel.objects.latest("pk").pk
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM relay_task WHERE channel_id < %s", [last])
        cursor.execute("DELETE FROM channels_channel WHERE id < %s", [last])
        cursor.execute("SET LOCAL session_replication_role = origin")


def ids(page: Any) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/tasks/(\d{16})/", page.content.decode())))


def said(page: Any) -> str:
    found = re.findall(r'role="alert">([^<]+)<', page.content.decode())
    return unescape(" ".join(found))


def box(page: Any) -> str:
    """What stands in the field of the tenant."""
    (field,) = re.findall(r'<input[^>]* name="tenant"[^>]*>', page.content.decode())
    found = re.search(r' value="([^"]*)"', field)
    return unescape(found[1]) if found else ""


def offers(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [unescape(text) for text in re.findall(r'value="([^"]*)"', answer.content.decode())]


def ask(client: Client, text: str, url: str = TENANTS) -> list[str]:
    return offers(client.get(url, {"field": "some", "some": text}))


def test_tasks_are_found_by_the_name_of_their_tenant(bystander: Account, support: Client) -> None:
    task, name, pk = begin(bystander), called(bystander, "Harbour"), bystander.tenant.pk
    shown = f"{name} #{pk}"
    for text in (name, name.upper(), shown, str(pk), f" {name} ", name[-8:], f"old name #{pk}"):
        page = support.get(TASKS, {"tenant": text})
        assert ids(page) == [str(task)], text
    assert box(support.get(TASKS, {"tenant": str(pk)})) == shown
    headers = {"HX-Request": "true", "HX-Target": "list-tasks"}
    assert ids(support.get(TASKS, {"tenant": shown}, headers=headers)) == [str(task)]


def test_a_name_that_looks_like_another_ones_number_is_a_name(
    bystander: Account, support: Client
) -> None:
    task, pk = begin(bystander), bystander.tenant.pk
    other = tenants.create(name=unique("other"))
    name = f"{unique('of')} #{other.pk}"
    Tenant.objects.filter(pk=pk).update(name=name)
    for text in (name, f"{name} #{pk}"):
        assert ids(support.get(TASKS, {"tenant": text})) == [str(task)]
    assert ids(support.get(TASKS, {"tenant": f"{other.name} #{other.pk}"})) == []


def test_who_means_several_or_nobody_is_told_so(bystander: Account, support: Client) -> None:
    begin(bystander)
    word = unique("quay")
    made = [tenants.create(name=f"{word} {number:02}") for number in range(7)]
    page = support.get(TASKS, {"tenant": word})
    assert ids(page) == []
    assert f"Several are called so: {word} 06 #{made[6].pk}, " in said(page)
    assert said(page).endswith(" …")
    for text in (f"no {word}", f"no {word} #{10**17}", "9" * 30, "a\x01b", HOSTILE):
        page = support.get(TASKS, {"tenant": text})
        assert ids(page) == []
        assert "Nothing is called so" in said(page) or "printable" in said(page), text
        assert "<script>alert" not in page.content.decode()


def test_the_one_of_exactly_this_name_is_found_among_many(
    bystander: Account, support: Client
) -> None:
    task, name = begin(bystander), called(bystander, "pier")
    for number in range(25):
        tenants.create(name=f"{name} {number}")
    assert ids(support.get(TASKS, {"tenant": name})) == [str(task)]
    assert ask(support, name)[0] == f"{name} #{bystander.tenant.pk}"
    assert len(ask(support, name)) <= 21


def test_names_are_offered_while_somebody_types(bystander: Account, support: Client) -> None:
    name, pk = called(bystander, HOSTILE[:40]), bystander.tenant.pk
    assert ask(support, name[-8:]) == [f"{name} #{pk}"]
    raw = support.get(TENANTS, {"field": "q", "q": name[-8:]}).content.decode()
    assert "<script>" not in raw
    assert f"{name} #{pk}" in ask(support, "")
    assert (ask(support, "a\x00b"), ask(support, "nobody has it")) == ([], [])
    for query in ({}, {"field": "field"}, {"field": "x" * 5000}):
        assert support.get(TENANTS, query).status_code == 200
    channel = bystander.channel
    channel.name = unlike("shed")
    channel.save(update_fields=["name"])
    assert ask(support, channel.name, "/console/suggest/channels/") == [
        f"{channel.name} #{channel.pk}"
    ]


def test_tenants_learn_no_names_of_others(bystander: Account) -> None:
    owner = of_tenant(bystander)
    for url in (TENANTS, "/console/suggest/channels/"):
        assert owner.get(url).status_code == 404
    own, name = place(bystander, "suggest/keys/"), bystander.token.name
    assert ask(owner, name, own) == [f"{name} #{bystander.token.pk}"]
    other = tenants.create(name=unique("other"))
    assert owner.get(f"/console/tenants/{other.pk}/suggest/keys/").status_code == 404


def test_channels_and_a_tenants_keys_are_lists_to_choose_from(
    bystander: Account, support: Client
) -> None:
    task, tenant = begin(bystander), called(bystander, "Mole")
    few_channels()
    page = support.get(TASKS)
    assert "Choose a tenant first" in page.content.decode()
    assert f'<option value="{bystander.channel.pk}">' in page.content.decode()
    page = support.get(TASKS, {"tenant": tenant})
    assert f'<option value="{bystander.token.pk}">{bystander.token.name}' in page.content.decode()
    query = {"tenant": tenant, "key": str(bystander.token.pk)}
    assert ids(support.get(TASKS, query)) == [str(task)]
    gone = Channel.objects.order_by("-pk")[0].pk + 1000
    page = support.get(TASKS, {"channel": str(gone)})
    assert f'<option value="{gone}" selected>' in page.content.decode()


def test_of_very_many_keys_one_is_typed(bystander: Account) -> None:
    owner, task = of_tenant(bystander), begin(bystander)
    name = bystander.token.name
    for number in range(PAGE_ROWS_MAX):
        tokens.make(tenant=bystander.tenant, name=f"key {number}")
    for text in (name, f"{name} #{bystander.token.pk}", str(bystander.token.pk)):
        page = owner.get(place(bystander, "gallery/"), {"key": text})
        assert ids(page) == [str(task)], said(page)
        assert 'list="filter_key-offers"' in page.content.decode()
    headers = {"HX-Request": "true", "HX-Target": "list-gallery"}
    page = owner.get(place(bystander, "gallery/"), {"key": name}, headers=headers)
    assert ids(page) == [str(task)]
    page = owner.get(place(bystander, "gallery/"), {"key": "key 1"})
    assert ids(page) == []
