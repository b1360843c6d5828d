"""JSON that people write: read as Python's own parser does, and errors with their places."""

import json
import math
import random
import re
from decimal import Decimal
from typing import Any

import pytest

from common import json_text
from common.json_text import JsonRefused, Node

TEXTS = (
    '{"a": 0.1, "b": [1, -2.5e3, "x\\u00e9\\n", true, false, null, {}, []], "c": {"d": {"e": 0}}}',
    ' [ 1 ,\r\n\t"\\"" , [ ] , { "" : "" } ] ',
    '"\\ud83d\\ude00"',
    "-0",
    "1E+2",
)


def plain(node: Node) -> Any:
    match node.value:
        case dict():
            return {name: plain(member) for name, member in node.value.items()}
        case list():
            return [plain(item) for item in node.value]
        case Decimal():
            return float(node.value)
    return node.value


@pytest.mark.parametrize("text", TEXTS)
def test_it_reads_what_pythons_parser_reads(text: str) -> None:
    assert plain(json_text.parse(text)) == json.loads(text)


def test_a_broken_text_is_refused_where_pythons_parser_refuses_it() -> None:
    """The same verdict over texts that were bitten in one place."""
    dice = random.Random(4)
    for _ in range(3000):
        text = dice.choice(TEXTS)
        at = dice.randrange(len(text))
        text = (
            text[:at]
            + dice.choice(["", "x", ",", "}", "]", '"', "\\", "0", "\x01", "é"])
            + text[at + 1 :]
        )
        assert (refusal(json_text.parse, text) is None) == (refusal(_strict, text) is None), text


def _strict(text: str) -> Any:
    """Doubled names are ours to refuse, and the words for what is not finite are its extra."""
    found = json.loads(text, object_pairs_hook=_once)
    assert not isinstance(found, float) or math.isfinite(found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("twice")
    return dict(pairs)


def refusal(parse: Any, text: str) -> ValueError | None:
    try:
        parse(text)
    except ValueError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1, column 1: expected a value"),
        ("{", "line 1, column 2: expected a name in double quotes"),
        ('{"a" 1}', "line 1, column 6: expected :"),
        ('{"a": 1,}', "line 1, column 9: expected a name"),
        ('{"a": 1\n"b": 2}', "line 2, column 1: expected } or ,"),
        ("[1\n,\n]", "line 3, column 1: expected a value"),
        ("[1] x", "line 1, column 5: expected nothing more"),
        ('{"a": 1,\n "b": 2,\n "a": 3}', "line 3, column 2: 'a' stands there twice"),
        ('{"a": 1, "\\u0061": 3}', "line 1, column 10: 'a' stands there twice"),
        ('{"a": "b}', "line 1, column 7: Unterminated string"),
        ('["\\x"]', "line 1, column 3: Invalid \\\\escape"),
        ("[01]", "line 1, column 2: expected a value"),
        ("[1.]", "line 1, column 3: expected ] or ,"),
        ("[\u0661]", "line 1, column 2: expected a value"),
        ("[1e999999999999999999999]", "line 1, column 2: this is not a number that can be used"),
        ("[" * 100_000, "line 1, column 11: nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str) -> None:
    with pytest.raises(JsonRefused, match=says.replace("]", r"\]").replace("[", r"\[")):
        json_text.parse(text)


def test_editors_marks_and_line_ends_do_no_harm() -> None:
    assert plain(json_text.parse('\ufeff{"a":\r\n1}\r\n')) == {"a": 1}


def test_numbers_stay_exact_on_the_way_out_and_in() -> None:
    figures = ["0.1", "9007199254.740991", "0.000001", "0", "100", "1E+3"]
    text = json_text.write({name: Decimal(name) for name in figures})
    assert [node.value for node in json_text.parse(text).value.values()] == [
        Decimal(figure) for figure in figures
    ]
    assert json.loads(text).keys() == set(figures)
    assert not re.search(r"E\+\d+[,\n}]", text.split('"1E+3"')[1])


def test_what_is_written_is_json() -> None:
    value = {"a": [{"b": 'q"\n', "c": Decimal("0.5")}], "d": {}, "e": [], "f": {"g": Decimal(1)}}
    text = json_text.write(value)
    assert json.loads(text) == {"a": [{"b": 'q"\n', "c": 0.5}], "d": {}, "e": [], "f": {"g": 1}}
