"""Request bodies as no sane client writes them: JSON texts, so that keys may come twice."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

# A body as it is written: keys in their order, each with the JSON text of its value.
Pairs = list[tuple[str, str]]

STATE = "a state that no upstream sees"
HOOK = "http://127.0.0.1:9/hook"
# JSON texts of values that no field, or not every field, may have. The first ones are no JSON.
BROKEN = [r'"\ud800"', r'"\udfff\ud800 x"', "NaN", "1e400", "9" * 400, "{", '"', "[" * 3000, "'x'"]
ODD = [
    "null", "true", "false", "0", "-1", "1.5", "1e300", "9007199254740993", "18446744073709551616",
    '""', '" "', r'"\u0000"', r'"a\u0000b"', r'"\u202e\ufeff"', '"🗼🏽"', '"None"', '"FAST"',
    '"relax"', "[]", "[null]", '["FAST"]', '[["RELAX"]]', "{}", '{"a": {"b": []}}',
    '{"modes": ["TURBO"]}',
    '{"modes": 7, "remark": "x", "remix": true, "channelId": 5}', '{"modes": [{}], "remark": null}',
    "[" * 900 + "]" * 900, '{"a":' * 500 + "1" + "}" * 500, json.dumps("x" * 50_000),
    json.dumps(list(range(10_000))), json.dumps("--turbo --relax --fast"), '"--turbo"',
    '"http://127.0.0.1:9/x.png"', '"ftp://127.0.0.1/"', '"mj-turbo"', '"niji"', '"extend"', '"low"',
]  # fmt: skip
COMMON = [
    "state", "notifyHook", "notifyhook", "botType", "mode", "model", "modes", "remix", "instanceId",
    "accountFilter",
]  # fmt: skip


class Form(NamedTuple):
    """A body that is accepted."""

    route: str
    body: dict[str, Any]


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def text_of(pairs: Pairs) -> bytes:
    inner = ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs)
    return f"{{{inner}}}".encode()


def parsed(text: bytes) -> dict[str, Any]:
    """What the body says: of equal keys the last one, keys in any other case are other keys."""
    found: dict[str, Any] = json.loads(text)
    return found


_plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=9,
).map(json.dumps)
odd_values = st.one_of(
    st.sampled_from(ODD), st.sampled_from(ODD), _plain_json, st.sampled_from(BROKEN)
)
_keys = st.text(max_size=12) | st.sampled_from(["__proto__", "constructor", "id", "price", ""])


def _replace(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [(name, value if n == place else old) for n, (name, old) in enumerate(pairs)]


def _leave_out(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [pair for n, pair in enumerate(pairs) if n != place]


def _twice(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [*pairs, (pairs[place][0], value)]


def _twice_before(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [(pairs[place][0], value), *pairs]


def _capital(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    name = pairs[place][0]
    return [(name.capitalize(), value), *pairs, (name.upper(), value)]


def _unknown(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [*pairs, (key, value)]


def _common(pairs: Pairs, place: int, value: str, key: str) -> Pairs:
    return [*pairs, (COMMON[len(value) % len(COMMON)], value)]


_CHANGES: list[Callable[[Pairs, int, str, str], Pairs]] = [
    _replace, _leave_out, _twice, _twice_before, _capital, _unknown, _common, _common,
]  # fmt: skip
_change = st.tuples(st.sampled_from(_CHANGES), st.integers(0, 9), odd_values, _keys)


def texts_like(form: Form) -> st.SearchStrategy[bytes]:
    """Bodies like this one, with up to four things wrong or odd."""
    named = [(name, json_text(value)) for name, value in form.body.items()]

    def make(changes: list[Any]) -> bytes:
        pairs: Pairs = [*named, ("state", json_text(STATE))]
        for change, place, value, key in changes:
            if pairs:
                pairs = change(pairs, place % len(pairs), value, key)
        return text_of(pairs)

    return st.lists(_change, max_size=4).map(make)
