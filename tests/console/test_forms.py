"""Forms made of the API's bodies: what is asked, what is sent, where a refusal stands."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from rest_framework import serializers

from billing.errors import Overdrawn
from console.forms import form_of, of_serializer
from relay.api.v1 import channels, keys, wallets
from relay.api.v1.fields import Flag, Items, Money, Name, Query, Ratio, Strict, Text, Whole
from relay.errors import InvalidRequest, RoleNotAllowed

NewKey = form_of(keys.Keys, "post", ["name", "expires_at", "budget", "modes", "addresses", "rpm"])
KeyChange = form_of(keys.OneKey, "patch", ["name", "expires_at", "budget", "modes", "rpm"])


def posted(**fields: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def body(kind: Any, /, **fields: Any) -> dict[str, Any]:
    form = kind(posted(**fields))
    assert form.is_valid(), form.errors
    told: dict[str, Any] = form.body
    return told


def test_a_form_sends_what_the_api_takes() -> None:
    with timezone.override(ZoneInfo("Asia/Shanghai")):
        told = body(
            NewKey,
            name=" mine ",
            expires_at="2030-01-02T08:00",
            budget="12.50",
            modes=["fast", "turbo"],
            addresses="10.0.0.0/8\r\n\r\n ::1 ",
            rpm="60",
        )
    assert datetime.fromisoformat(told.pop("expires_at")) == datetime(2030, 1, 2, tzinfo=UTC)
    assert told == {
        "name": "mine",
        "budget": "12.50",
        "modes": ["fast", "turbo"],
        "addresses": ["10.0.0.0/8", "::1"],
        "rpm": 60,
    }


def test_empty_is_null_where_the_api_knows_null() -> None:
    told = body(NewKey, name="mine", expires_at="", budget="", rpm="")
    assert (told["expires_at"], told["budget"], told["rpm"]) == (None, None, None)
    assert (told["modes"], told["addresses"]) == ([], [])


def test_empty_is_left_out_where_it_means_nothing() -> None:
    class Body(Strict):
        times = Whole(required=False)
        kind = serializers.ChoiceField(choices=["a", "b"], required=False)
        note = Text(max_length=50, required=False, allow_blank=True)

    kind = of_serializer(Body, ["times", "kind", "note"])
    assert body(kind, times="", kind="", note="") == {"note": ""}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"),
        ("name", "x" * 101, "at most 100 characters"),
        ("name", "a\x00b", "Null characters"),
        ("budget", "many", "a text such as"),
        ("budget", "9999999999", "too large"),
        ("budget", "-1", "0.00 or more"),
        ("rpm", "1e9", "whole number"),
        ("rpm", "1000001", "less than or equal to 1000000"),
        ("modes", "warp", "not one of the available choices"),
        ("addresses", "10.0.0.0/8\nhome", "line 2: this must be an IP address"),
        ("expires_at", "tomorrow", "valid date/time"),
    ],
)
def test_what_is_wrong_stands_at_its_field(field: str, value: str, said: str) -> None:
    form = NewKey(posted(**{"name": "mine", field: value}))
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert said in str(form.errors[field])


def test_a_change_sends_only_what_was_changed() -> None:
    shown = {"name": "mine", "expires_at": "2030-01-02T08:00:30.5Z", "budget": None, "rpm": 5}
    first = KeyChange(initial=shown | {"modes": ["fast"]})
    sent = {bound.html_name: bound.value() for bound in first}
    sent |= {bound.html_initial_name: bound.value() for bound in first}
    told = body(KeyChange, **_texts(sent))
    assert told == {}
    assert body(KeyChange, **_texts(sent | {"budget": "3"})) == {"budget": "3"}
    assert body(KeyChange, **_texts(sent | {"modes": []})) == {"modes": []}
    assert body(KeyChange, **_texts(sent | {"expires_at": ""})) == {"expires_at": None}


def _texts(sent: dict[str, Any]) -> dict[str, Any]:
    """As a browser sends them."""
    told: dict[str, Any] = {}
    for name, value in sent.items():
        if hasattr(value, "strftime"):
            value = value.strftime("%Y-%m-%dT%H:%M")
        told[name] = [str(v) for v in value] if isinstance(value, list) else str(value or "")
    return told


def test_nothing_that_the_form_does_not_ask_for_is_sent() -> None:
    assert "group" not in body(NewKey, name="mine", group="vip", is_active="true")


def test_a_secret_is_never_shown_and_stays_when_it_is_not_typed_again() -> None:
    kind = form_of(channels.OneChannel, "patch", ["name", "secret"])
    assert "hush" not in kind(initial={"secret": "hush"}).as_p()
    first = kind(initial={"name": "a"})
    assert 'type="password"' in str(first["secret"])
    assert "secret" not in body(kind, **{"name": "a", "initial-name": "a", "secret": ""})
    told = body(kind, **{"name": "a", "initial-name": "a", "secret": "new"})
    assert told == {"secret": "new"}


def test_every_kind_of_field_has_an_input() -> None:
    class Body(Strict):
        flag = Flag(default=True)
        ratio = Ratio()
        day = serializers.DateField()
        shape = serializers.JSONField(required=False)
        several = serializers.MultipleChoiceField(choices=["a", "b"])
        text = Text(max_length=5000)

    kind = of_serializer(Body, ["flag", "ratio", "day", "shape", "several", "text"])
    shown = kind().as_p()
    assert shown.count("<textarea") == 2
    assert 'type="date"' in shown
    assert "checked" in shown
    told = body(kind, ratio="1.5", day="2030-01-02", shape='{"a": [1]}', several=["a"], text="a\nb")
    assert told == {
        "flag": False,
        "ratio": "1.5",
        "day": "2030-01-02",
        "shape": {"a": [1]},
        "several": ["a"],
        "text": "a\nb",
    }
    broken = kind(posted(ratio="1", day="2030-01-02", shape="{", several=["a"], text="x"))
    assert list(broken.errors) == ["shape"]


def test_a_list_of_objects_is_the_pages_own_matter() -> None:
    class Line(Strict):
        amount = Money()

    class Body(Strict):
        data = Items(child=Line())  # type: ignore[assignment]

    with pytest.raises(TypeError, match="no form has a list of objects"):
        of_serializer(Body, ["data"])


def test_a_query_asks_for_yes_no_or_any() -> None:
    class Asked(Query):
        is_test = Flag(required=False)
        name = Name(required=False)

    kind = of_serializer(Asked, ["is_test", "name"])
    assert body(kind, is_test="", name="") == {}
    assert body(kind, is_test="false", name="a") == {"is_test": "false", "name": "a"}


def test_a_refusal_of_the_api_stands_at_its_field_or_above_the_form() -> None:
    form = NewKey(posted(name="mine"))
    assert form.is_valid()
    with form.refusals():
        raise InvalidRequest("name: there is one; budget: too much; really")
    assert form.errors == {"name": ["there is one"], "budget": ["too much; really"]}
    with form.refusals():
        raise Overdrawn
    assert list(form.non_field_errors()) == ["the balance, less what is held, does not allow this"]


def test_what_is_no_matter_of_the_form_is_not_swallowed() -> None:
    form = NewKey(posted(name="mine"))
    assert form.is_valid()
    with pytest.raises(RoleNotAllowed), form.refusals():
        raise RoleNotAllowed("viewer", "do it")
    with pytest.raises(ZeroDivisionError), form.refusals():
        raise ZeroDivisionError


def test_labels_and_help_may_be_said_otherwise() -> None:
    kind = form_of(
        wallets.TopUps, "post", ["amount", "memo"], amount={"label": "How much", "initial": "5"}
    )
    assert 'value="5"' in str(kind()["amount"])
    assert kind()["amount"].label == "How much"
    assert kind()["memo"].label == "Note"
