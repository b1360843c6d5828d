"""Fields of bodies, queries and answers. What is wrong is said with the field's name."""

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from rest_framework import serializers

from billing import money, pricing
from common import addresses
from relay import actions
from relay.api.fields import HOOK_MAX_CHARS, web_address
from relay.errors import InvalidRequest

LIST_MAX = 200
ERRORS_MAX = 5
ERROR_MAX_CHARS = 200
UNKNOWN = "there is no such field"
# Ends the description of what tenants are not shown (relay/api/v1/audit.py relies on it).
FOR_THE_SITE = "For the site only."
INTEGER_MAX = 2**31 - 1
ID_MAX = 2**63 - 1
NAME_MAX_CHARS = 100
REFERENCE_MAX_CHARS = 64
MEMO_MAX_CHARS = 200
_AMOUNT = re.compile(r"-?\d{1,10}(?:\.\d{1,6})?", re.ASCII)

ACTIONS = tuple(action.name for action in actions.ALL)
MODES = pricing.MODES


class Strict(serializers.Serializer):  # type: ignore[type-arg]  # no generic at run time
    """Refuses fields that it does not know: a misspelt one must not be lost in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (
            unknown := [key for key in data if key not in self.fields]
        ):
            raise serializers.ValidationError({name: [UNKNOWN] for name in unknown})
        return super().to_internal_value(data)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """What the site's keys alone are shown is left out for others, and not null."""
        if not isinstance(instance, Mapping):
            return dict(super().to_representation(instance))
        # By itself: DRF's way takes twice as long, and a report has thousands of lines.
        shown = {}
        for name, field, is_plain in self._shown:
            if name in instance or field.required:
                is_there = is_plain and name in instance
                value = instance[name] if is_there else field.get_attribute(instance)
                shown[name] = None if value is None else field.to_representation(value)
        return shown

    @cached_property
    def _shown(self) -> list[tuple[str, Any, bool]]:
        """Each field that is shown, and whether it stands under its own name."""
        return [
            (name, field, field.source == name)
            for name, field in self.fields.items()
            if not field.write_only
        ]


class Query(Strict):
    """The parameters of a list or a report."""


def taken(kind: type[Strict], row: object, *, without: Collection[str] = ()) -> dict[str, Any]:
    """What `kind` shows, read from the attributes of `row` that are called so."""
    names: Collection[str] = kind._declared_fields
    return {name: getattr(row, name) for name in names if name not in without}


def check(kind: type[Strict], data: Mapping[str, Any]) -> dict[str, Any]:
    """The validated fields that were sent. Raises InvalidRequest."""
    form = kind(data=data)
    if not form.is_valid():
        raise InvalidRequest("; ".join(_texts("", form.errors)[:ERRORS_MAX]))
    return dict(form.validated_data)


def _texts(path: str, errors: Any) -> list[str]:
    """DRF's tree of errors as lines such as "addresses.0: this is not a network"."""
    if isinstance(errors, Mapping):
        pairs = [(key, value) for key, value in errors.items() if value]
        return [
            text
            for key, value in pairs
            for text in _texts(path if key == "non_field_errors" else _join(path, key), value)
        ]
    texts = []
    for number, error in enumerate(errors):
        if isinstance(error, Mapping | list):
            texts += _texts(_join(path, number), error)
        else:
            texts.append(f"{path}: {error}"[:ERROR_MAX_CHARS] if path else str(error))
    return texts


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


class Money(serializers.Field):  # type: ignore[type-arg]  # no generic at run time
    """Micro-units inside, outside a decimal text in the site's currency ("0.10")."""

    default_error_messages = {
        "shape": 'this must be a text such as "12.50", with at most 6 decimals',
        "large": "this is too large for an amount of money",
        "small": "this must be {least} or more",
        "nothing": "this must not be nothing",
    }

    def __init__(self, *, least: int | None = 0, **kwargs: Any) -> None:
        """`least`: micro-units; None: anything but nothing."""
        self.least = least
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _AMOUNT.fullmatch(data):
            self.fail("shape")
        try:
            amount = money.to_micro(data)
        except ValueError:
            self.fail("large")
        if self.least is None and not amount:
            self.fail("nothing")
        if self.least is not None and amount < self.least:
            self.fail("small", least=money.text(self.least))
        return amount

    def to_representation(self, value: int) -> str:
        return money.text(value)


class Text(serializers.CharField):
    """A text, really: DRF would take numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Name(Text):
    """One line for people."""

    default_error_messages = {"unprintable": "this must be printable characters"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": NAME_MAX_CHARS, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if not name.isprintable():
            self.fail("unprintable")
        return name


def reference(**kwargs: Any) -> Name:
    """The client's own number of a payment: booked once, however often it is sent."""
    return Name(max_length=REFERENCE_MAX_CHARS, **kwargs)


def memo(**kwargs: Any) -> Name:
    return Name(max_length=MEMO_MAX_CHARS, **{"required": False, "allow_blank": True, **kwargs})


class Flag(serializers.BooleanField):
    """true or false; in a query their words."""

    def to_internal_value(self, data: Any) -> bool:
        words: dict[Any, bool] = {"true": True, "false": False}
        if isinstance(data, bool):
            return data
        if not isinstance(data, str) or data not in words:
            self.fail("invalid", input=data)
        return words[data]


class Whole(serializers.IntegerField):
    """A whole number; digits in a text too, as queries have nothing else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": INTEGER_MAX, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float):
            self.fail("invalid")
        return super().to_internal_value(data)


def number_of(**kwargs: Any) -> Whole:
    """The id of a row."""
    return Whole(min_value=1, max_value=ID_MAX, **kwargs)


class Ratio(serializers.DecimalField):
    """What prices are multiplied by; as a text, so that it is exact."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=6, min_value=0, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Items(serializers.ListField):
    """A bounded list: its length is judged before its entries."""

    default_error_messages = {"long": "this may have at most {most} entries"}

    def __init__(self, *, most: int = LIST_MAX, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > self.most:
            self.fail("long", most=self.most)
        return list(super().to_internal_value(data))


class WebAddress(Text):
    """An http(s) address; whether it may be called is judged when it is dialled."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": HOOK_MAX_CHARS, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return web_address("this", value) if value else ""
        except InvalidRequest as error:
            raise serializers.ValidationError(str(error)) from error


class Once(serializers.CharField):
    """A secret in an answer: shown this once, and in no record (relay/api/v1/recording.py)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"help_text": "Shown this once only.", **kwargs})


class Network(Text):
    """An IP address or a network in CIDR form."""

    default_error_messages = {"network": "this must be an IP address or a network (10.0.0.0/8)"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            return addresses.tidy([value])[0]
        except ValueError:
            self.fail("network")


def choices(words: Any, **kwargs: Any) -> Items:
    """A list of some of these words; an empty list means every one."""
    return Items(child=serializers.ChoiceField(choices=list(words)), **kwargs)
