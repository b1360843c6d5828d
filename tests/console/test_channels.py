"""The console's pages about channels."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import StaffRole
from channels.models import Channel, ChannelEvent, CostRule, Credential, Probe
from common.models import AuditEntry
from tests.accounts import Account, open_channel
from tests.api.v1.desk import unique
from tests.console.accounts.visitor import member, staff, stale, text
from tests.console.prices_desk import signed_in
from tests.faults.place import begin

PLACE = "/console/channels/"
HTMX = {"HTTP_HX_REQUEST": "true"}
HOSTILE = "<script>alert(1)</script> \N{RIGHT-TO-LEFT OVERRIDE}x"
FORM = {
    "kind": "trueai", "base_url": "https://up.example", "priority": "3", "weight": "2",
    "concurrency": "", "rpm": "90", "queue_depth": "", "groups": "gold\nsilver\n",
    "actions": ["IMAGINE", "BLEND"], "modes": [],
}  # fmt: skip


@pytest.fixture
def operator(bystander: Account) -> Client:
    del bystander
    return signed_in(staff())


@pytest.fixture
def support(bystander: Account) -> Client:
    del bystander
    return signed_in(staff(StaffRole.SUPPORT))


@pytest.fixture
def channel(bystander: Account) -> Channel:
    return bystander.channel


def place(channel: Channel, rest: str = "") -> str:
    return f"{PLACE}{channel.pk}/{rest}"


def fresh(channel: Channel) -> Channel:
    channel.refresh_from_db()
    return channel


def hidden(page: Any) -> dict[str, str]:
    """What a browser would send back without having shown it."""
    body = page.content.decode()
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
    return {name: value for name, value in found if name != "csrfmiddlewaretoken"}


def events(channel: Channel) -> list[tuple[str, str]]:
    rows = ChannelEvent.objects.filter(channel=channel).order_by("pk")
    return [(row.kind, row.text) for row in rows]


def test_a_channel_is_made_with_all_its_fields_and_a_first_credential(operator: Client) -> None:
    name = unique("made")
    answer = operator.post(f"{PLACE}new/", {**FORM, "name": name, "secret": "open sesame"})
    made = Channel.objects.get(name=name)
    assert answer["Location"] == place(made)
    assert (made.kind, made.priority, made.weight, made.concurrency, made.rpm) == (
        "trueai", 3, 2, None, 90,
    )  # fmt: skip
    assert (made.groups, made.actions, made.modes) == (["gold", "silver"], ["IMAGINE", "BLEND"], [])
    assert Credential.objects.get(channel=made).secret == "open sesame"
    page = operator.get(place(made))
    assert "sesame" not in page.content.decode()
    assert AuditEntry.objects.filter(object_kind="channel", object_id=str(made.pk)).exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"base_url": "ftp://x"}, "base_url must be an http or https address"),
        ({"base_url": ""}, "This field is required"),
        ({"weight": "0"}, "greater than or equal to 1"),
        ({"rpm": "many"}, "Enter a whole number"),
        ({"secret": "a\nb"}, "plain ASCII signs"),
        ({"groups": "x" * 65}, "64"),
        ({"kind": "other"}, "Select a valid choice"),
        ({"name": "a\x00b"}, "Null characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    operator: Client, wrong: dict[str, Any], says: str
) -> None:
    number = Channel.objects.count()
    page = operator.post(f"{PLACE}new/", {**FORM, "name": unique("wrong"), **wrong})
    assert page.status_code == 200
    assert says in text(page)
    assert "is-invalid" in page.content.decode()
    assert Channel.objects.count() == number


def test_a_name_that_is_taken_is_said(operator: Client, channel: Channel) -> None:
    page = operator.post(f"{PLACE}new/", {**FORM, "name": channel.name})
    assert "there is a channel of this name" in text(page)


def test_priority_and_weight_are_changed_in_the_list_one_at_a_time(
    operator: Client, channel: Channel
) -> None:
    part = operator.post(
        place(channel, "set/priority/"), {"priority": "7", "initial-priority": "0"}, **HTMX
    )
    assert "is-valid" in part.content.decode()
    assert 'name="initial-priority" value="7"' in part.content.decode()
    assert (fresh(channel).priority, channel.weight) == (7, 1)
    wrong = operator.post(
        place(channel, "set/weight/"), {"weight": "0", "initial-weight": "1"}, **HTMX
    )
    assert wrong.status_code == 200
    assert "greater than or equal to 1" in text(wrong)
    assert 'value="0"' in wrong.content.decode()
    assert fresh(channel).weight == 1
    assert events(channel)[-1] == ("changed", "priority: 0 → 7")


def test_a_field_is_also_changed_without_javascript(operator: Client, channel: Channel) -> None:
    answer = operator.post(place(channel, "set/weight/"), {"weight": "5", "initial-weight": "1"})
    assert answer["Location"] == PLACE
    assert fresh(channel).weight == 5
    page = operator.post(place(channel, "set/weight/"), {"weight": "x", "initial-weight": "1"})
    assert "Enter a whole number" in text(page)


@pytest.mark.parametrize("field", ["name", "state", "base_url", "secret", "id", "breaker"])
def test_no_other_field_is_changed_in_place(operator: Client, channel: Channel, field: str) -> None:
    assert operator.post(place(channel, f"set/{field}/"), {field: "x"}).status_code == 404


def test_what_two_people_change_at_once_is_both_kept(operator: Client, channel: Channel) -> None:
    page = operator.get(place(channel, "change/"))
    sent = {**hidden(page), **FORM, "name": channel.name, "kind": channel.kind}
    sent |= {"base_url": channel.base_url, "groups": "\n".join(channel.groups), "actions": []}
    sent |= {"priority": "0", "weight": "4", "rpm": ""}
    Channel.objects.filter(pk=channel.pk).update(priority=9)
    assert operator.post(place(channel, "change/"), sent)["Location"] == place(channel)
    assert (fresh(channel).priority, channel.weight) == (9, 4)


@pytest.mark.parametrize(
    ("state", "reason"), [("draining", "maintenance"), ("disabled", "banned"), ("enabled", "")]
)
def test_a_channel_gets_a_state_with_a_reason(
    operator: Client, channel: Channel, state: str, reason: str
) -> None:
    start = "disabled" if state == "enabled" else "enabled"
    Channel.objects.filter(pk=channel.pk).update(state=start)
    path = place(channel, f"state/{state}/")
    if reason:
        refused = operator.post(path, {"reason": ""})
        assert refused.status_code == 200
        assert fresh(channel).state == start
    assert operator.post(path, {"reason": reason})["Location"] == place(channel)
    assert (fresh(channel).state, channel.reason) == (state, reason)
    assert events(channel)[-1] == (state, reason)
    page = operator.get(place(channel, "history/"))
    assert reason in text(page)


def test_several_channels_are_drained_at_once_each_with_its_own_record(
    operator: Client, bystander: Account
) -> None:
    first = bystander.channel
    second = open_channel(bystander.stack, group="x")
    untouched = open_channel(bystander.stack, group="x")
    path = f"{PLACE}several/?channel={first.pk}&channel={second.pk}&state=draining"
    page = operator.get(path)
    assert first.name in text(page)
    assert "Drain 2 channels?" in text(page)
    assert fresh(first).state == "enabled"
    assert operator.post(path, {"reason": "night"})["Location"] == PLACE
    for channel in (first, second):
        assert (fresh(channel).state, channel.reason) == ("draining", "night")
        assert AuditEntry.objects.filter(object_kind="channel", object_id=str(channel.pk)).exists()
    assert fresh(untouched).state == "enabled"
    assert "2 channels are changed." in text(operator.get(PLACE))


def test_several_of_none_says_so(operator: Client) -> None:
    for query in ("state=draining", "state=draining&channel=x&channel=%00"):
        answer = operator.get(f"{PLACE}several/?{query}", follow=True)
        assert "Choose some channels first." in text(answer)
    assert operator.get(f"{PLACE}several/?state=gone&channel=1").status_code == 404


def test_a_breaker_is_closed_by_hand_and_a_rest_ended(operator: Client, channel: Channel) -> None:
    until = timezone.now() + timezone.timedelta(hours=1)
    Channel.objects.filter(pk=channel.pk).update(
        breaker="open", breaker_until=until, rests_until=until
    )
    page = operator.get(place(channel))
    assert "Close it now" in text(page)
    operator.post(place(channel, "close-breaker/"))
    assert (fresh(channel).breaker, channel.rests_until) == ("closed", None)
    assert "Close it now" not in text(operator.get(place(channel)))


def test_closing_the_breaker_of_a_disabled_channel_asks_whether_to_enable_it(
    operator: Client, channel: Channel
) -> None:
    Channel.objects.filter(pk=channel.pk).update(state="disabled")
    assert "Enable " in text(operator.get(place(channel, "close-breaker/")))


def test_a_channel_with_tasks_is_not_deleted_and_says_why(
    operator: Client, bystander: Account
) -> None:
    begin(bystander)
    page = operator.post(place(bystander.channel, "delete/"))
    assert "it has tasks under way; drain it first" in text(page)
    assert Channel.objects.filter(pk=bystander.channel.pk).exists()


def test_a_channel_that_never_drew_is_deleted(operator: Client, channel: Channel) -> None:
    assert operator.post(place(channel, "delete/"))["Location"] == PLACE
    assert not Channel.objects.filter(pk=channel.pk).exists()


def test_a_copy_is_disabled_and_has_the_credentials_on_request(
    operator: Client, bystander: Account
) -> None:
    bystander.give_secret("open sesame")
    for with_them, secrets in (({}, []), ({"with_credentials": "on"}, ["open sesame"])):
        name = unique("copy")
        operator.post(place(bystander.channel, "clone/"), {"name": name, **with_them})
        made = Channel.objects.get(name=name)
        assert made.state == "disabled"
        assert [row.secret for row in made.credentials.all()] == secrets


def test_credentials_are_added_replaced_switched_and_deleted(
    operator: Client, channel: Channel
) -> None:
    own = place(channel, "credentials/")
    operator.post(f"{own}new/", {"name": "second", "secret": "sesame-1"})
    row = Credential.objects.get(channel=channel)
    one = f"{own}{row.pk}/"
    asked = operator.get(one).content.decode()
    assert "sesame" not in asked
    operator.post(one, {"name": "renamed", "initial-name": "second", "secret": ""})
    row.refresh_from_db()
    assert (row.name, row.secret) == ("renamed", "sesame-1")
    operator.post(one, {"name": "renamed", "initial-name": "renamed", "secret": "sesame-2"})
    row.refresh_from_db()
    assert row.secret == "sesame-2"
    operator.post(f"{one}off/")
    row.refresh_from_db()
    assert not row.is_active
    operator.post(f"{one}on/")
    row.refresh_from_db()
    assert row.is_active
    operator.post(f"{one}delete/")
    assert not Credential.objects.filter(pk=row.pk).exists()
    kinds = [kind for kind, _ in events(channel)]
    assert kinds[-4:] == [
        "credential_changed", "credential_off", "credential_on", "credential_deleted",
    ]  # fmt: skip


def test_a_credential_of_another_channel_is_not_there(operator: Client, bystander: Account) -> None:
    bystander.give_secret("x")
    row = Credential.objects.get(channel=bystander.channel)
    other = open_channel(bystander.stack, group="x")
    for rest in ("", "off/", "on/", "delete/"):
        answer = operator.post(place(other, f"credentials/{row.pk}/{rest}"), {"name": "mine"})
        assert answer.status_code == 404


def rows_of(*rows: tuple[str, str, str]) -> dict[str, str]:
    sent = {"number": str(len(rows) + 2)}
    for number, (name, mode, amount) in enumerate(rows):
        sent |= {f"row{number}-name": name, f"row{number}-mode": mode}
        sent |= {f"row{number}-amount": amount}
    return sent


def costs(channel: Channel) -> list[tuple[str, str, int]]:
    return list(CostRule.objects.filter(channel=channel).values_list("name", "mode", "amount"))


def test_costs_are_edited_as_a_table(operator: Client, channel: Channel) -> None:
    path = place(channel, "costs/")
    seen = hidden(operator.get(path))["seen"]
    sent = rows_of(("mj_*", "", "0.05"), ("", "", ""), ("mj_imagine", "relax", "0.0125"))
    assert operator.post(path, {**sent, "seen": seen})["Location"] == place(channel)
    assert costs(channel) == [("mj_*", "", 50_000), ("mj_imagine", "relax", 12_500)]
    page = operator.get(path)
    assert 'value="0.0125"' in page.content.decode()
    operator.post(path, {**rows_of(("", "", ""), ("*", "", "1")), "seen": hidden(page)["seen"]})
    assert costs(channel) == [("*", "", 1_000_000)]
    assert "$1.00" in text(operator.get(place(channel)))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("mj_*", "", "much")], "this must be a text such as"),
        ([("mj_*", "", "-1")], "0"),
        ([("a*b", "", "1")], "*"),
        ([("", "", "1")], "This field is required"),
        ([("mj_*", "", "1"), ("mj_*", "", "2")], "stands there twice"),
    ],
)
def test_wrong_costs_are_said_and_change_nothing(
    operator: Client, channel: Channel, rows: Any, says: str
) -> None:
    path = place(channel, "costs/")
    seen = hidden(operator.get(path))["seen"]
    page = operator.post(path, {**rows_of(*rows), "seen": seen})
    assert page.status_code == 200
    assert says in text(page)
    assert "is-invalid" in page.content.decode() or "alert-danger" in page.content.decode()
    assert costs(channel) == []


def test_costs_that_somebody_else_has_changed_are_not_undone(
    operator: Client, channel: Channel
) -> None:
    path = place(channel, "costs/")
    seen = hidden(operator.get(path))["seen"]
    CostRule.objects.create(channel=channel, name="mj_*", amount=7)
    page = operator.post(path, {**rows_of(("*", "", "1")), "seen": seen})
    assert "Somebody else has changed the costs meanwhile" in text(page)
    assert costs(channel) == [("mj_*", "", 7)]


def test_there_are_more_rows_on_request_and_what_was_typed_stays(
    operator: Client, channel: Channel
) -> None:
    sent = {**rows_of(("half", "", "typ")), "seen": "x", "more": "1", "number": "9" * 40}
    page = operator.post(place(channel, "costs/"), sent | {"number": "4"})
    body = page.content.decode()
    assert 'value="typ"' in body
    assert "is-invalid" not in body
    assert operator.post(place(channel, "costs/"), sent).status_code == 200


def test_the_list_shows_who_is_asked_first_and_is_filtered(
    operator: Client, bystander: Account
) -> None:
    mark = unique("sorted")
    for number, priority in enumerate((1, 5, 3)):
        Channel.objects.create(
            name=f"{mark}-{number}", kind="trueai", base_url="http://x.example",
            priority=priority, groups=[f"{mark}-{number}"],
        )  # fmt: skip

    def names(**query: str) -> list[str]:
        page = operator.get(PLACE, {"q": mark, **query}).content.decode()
        return re.findall(rf'class="text-reset[^>]*>{mark}-(\d)<', page)

    assert names() == ["1", "2", "0"]
    assert names(group=f"{mark}-2") == ["2"]
    assert names(kind="newapi") == []
    assert names(state="disabled") == []
    assert "Nothing fits." in text(operator.get(PLACE, {"q": mark, "breaker": "open"}))


def test_a_channel_s_page_shows_probes_attempts_and_history_harmlessly(
    operator: Client, bystander: Account
) -> None:
    channel = bystander.channel
    Channel.objects.filter(pk=channel.pk).update(name=HOSTILE, reason=HOSTILE)
    Probe.objects.create(channel=channel, is_ok=False, milliseconds=4, error=HOSTILE)
    Probe.objects.create(channel=channel, is_ok=True, milliseconds=1234, headroom=3)
    begin(bystander)
    for rest in ("", "attempts/", "probes/", "history/", "change/", "costs/", "clone/", "delete/"):
        page = operator.get(place(channel, rest))
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode(), rest
        assert "&lt;script&gt;alert" in page.content.decode(), rest
    assert "<script>alert" not in operator.get(PLACE).content.decode()


def test_only_a_part_is_sent_to_a_page_that_renews_itself(
    operator: Client, channel: Channel
) -> None:
    for path, target in ((PLACE, "list-channels"), (place(channel), "channel-now")):
        part = operator.get(path, HTTP_HX_TARGET=target, **HTMX)
        assert f'id="{target}"' in part.content.decode()
        assert "<html" not in part.content.decode()


CHANGES = (
    "change/", "clone/", "delete/", "costs/", "state/disabled/", "close-breaker/",
    "set/priority/", "credentials/new/",
)  # fmt: skip


def test_support_looks_and_tests_and_changes_nothing(support: Client, channel: Channel) -> None:
    for path in (PLACE, place(channel)):
        body = support.get(path).content.decode()
        assert "/test/" in body
        for word in (
            "/change/",
            "/clone/",
            "/delete/",
            "/costs/",
            "/state/",
            "set/",
            'form="chosen"',
        ):
            assert f"{channel.pk}{word}" not in body
            assert f"{channel.pk}/{word.lstrip('/')}" not in body
    before = Channel.objects.filter(pk=channel.pk).values().get()
    sent = {"priority": "9", "initial-priority": "0", "name": "mine", "secret": "x", "reason": "x"}
    for rest in CHANGES:
        answer = support.post(place(channel, rest), {**FORM, **sent, "number": "0", "seen": "x"})
        assert answer.status_code in (200, 403), rest
    assert support.post(f"{PLACE}new/", {**FORM, "name": unique("no")}).status_code == 403
    assert Channel.objects.filter(pk=channel.pk).values().get() == before
    assert not Credential.objects.filter(channel=channel).exists()


def test_support_sees_no_costs_and_finance_does(bystander: Account, support: Client) -> None:
    CostRule.objects.create(channel=bystander.channel, name="mj_*", amount=777_000)
    finance = signed_in(staff(StaffRole.FINANCE))
    assert "$0.777" in text(finance.get(place(bystander.channel)))
    page = support.get(place(bystander.channel))
    assert page.status_code == 200
    assert "0.777" not in text(page)
    assert support.get(place(bystander.channel, "costs/")).status_code == 403


def test_a_tenant_s_people_find_no_channels(bystander: Account) -> None:
    owner = signed_in(member(bystander.tenant).user)
    for path in (PLACE, place(bystander.channel), f"{PLACE}new/", f"{PLACE}several/?state=enabled"):
        assert owner.get(path).status_code == 404
    assert Client().get(PLACE).status_code == 302


def test_an_old_sign_in_changes_neither_addresses_nor_secrets_nor_costs(
    channel: Channel, bystander: Account
) -> None:
    del bystander
    operator = signed_in(staff())
    stale(operator)
    for rest in ("change/", "costs/", "clone/", "credentials/new/"):
        answer = operator.post(place(channel, rest), {**FORM, "name": "x", "secret": "x"})
        assert answer.status_code == 302
        assert "/reauthenticate/" in answer["Location"], rest
    # What must be done in a hurry is not held up.
    operator.post(place(channel, "state/disabled/"), {"reason": "now"})
    assert fresh(channel).state == "disabled"


@pytest.mark.parametrize("rest", ["state/gone/", "state/enabled/x/", "credentials/0/", "set/x/"])
def test_what_is_not_there_is_not_found(operator: Client, channel: Channel, rest: str) -> None:
    assert operator.post(place(channel, rest)).status_code == 404


def test_a_channel_that_is_not_there_has_no_page(operator: Client) -> None:
    for rest in ("", "change/", "history/", "attempts/", "probes/", "costs/", "delete/"):
        assert operator.get(f"{PLACE}999999999/{rest}").status_code == 404
    assert operator.get(f"{PLACE}{'9' * 30}/").status_code == 404
