"""A channel is asked for free, and copied."""

from channels.models import Channel, CostRule, Credential, Probe
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, unique


def test_a_channel_is_probed_at_once_and_nothing_is_drawn(desk: Desk) -> None:
    account = desk.account
    before = account.written
    told = desk.site["support"].post(f"channels/{account.channel.pk}/probe")
    assert (told["is_ok"], told["error"]) == (True, "")
    assert Probe.objects.filter(channel=account.channel).latest("pk").pk == told["id"]
    assert account.written == before


def test_a_channel_that_is_not_there_says_so_in_its_probe(desk: Desk) -> None:
    Channel.objects.filter(pk=desk.account.channel.pk).update(base_url="http://127.0.0.1:9")
    told = desk.operator.post(f"channels/{desk.account.channel.pk}/probe")
    assert not told["is_ok"]
    assert told["error"]


def test_a_copy_has_everything_but_state_and_secrets(desk: Desk) -> None:
    account, operator = desk.account, desk.operator
    account.give_secret("sesame")
    path = f"channels/{account.channel.pk}"
    operator.patch(path, priority=7, weight=3, actions=["IMAGINE"], concurrency=4)
    CostRule.objects.create(channel=account.channel, name="mj_*", mode="", amount=50_000)
    name = unique("copy")
    made = operator.post(f"{path}/clone", name=name)
    own = ("id", "name", "state", "reason", "has_secret", "created_at")
    origin = operator.get(path)
    same = {key: value for key, value in origin.items() if key not in own}
    assert {key: value for key, value in made.items() if key not in own} == same
    assert (made["name"], made["state"], made["has_secret"]) == (name, "disabled", False)
    assert operator.get(f"channels/{made['id']}/costs") == operator.get(f"{path}/costs")
    (event,) = operator.get(f"channels/{made['id']}/events")["data"]
    assert (event["kind"], event["text"]) == ("made", f"a copy of {origin['name']}")


def test_credentials_are_copied_on_request_and_shown_to_nobody(desk: Desk) -> None:
    desk.account.give_secret("open sesame")
    path = f"channels/{desk.account.channel.pk}/clone"
    body = {"name": unique("copy"), "with_credentials": True}
    answer = desk.operator.ask("POST", path, json=body)
    assert answer.json()["has_secret"]
    assert "sesame" not in answer.text
    (copied,) = Credential.objects.filter(channel=answer.json()["id"])
    assert (copied.secret, copied.name) == ("open sesame", "main")


def test_a_name_that_is_taken_is_refused_and_leaves_nothing(desk: Desk) -> None:
    channel = desk.account.channel
    number = Channel.objects.count()
    refused = desk.operator.ask("POST", f"channels/{channel.pk}/clone", json={"name": channel.name})
    assert_refused(refused, 409, "conflict", says="of this name")
    assert Channel.objects.count() == number
