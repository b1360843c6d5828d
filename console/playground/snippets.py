"""The same request as a program sends it: for curl, Python and JavaScript."""

import json
from typing import Any, NamedTuple

from django.conf import settings

# What stands for the key; docs.js puts the real one there, when a person asks for it.
KEY = "YOUR_API_KEY"


class Snippet(NamedTuple):
    label: str
    text: str


def of(path: str, body: dict[str, Any] | None, *, method: str = "POST") -> list[Snippet]:
    """`path`: of the tenant API; `body` None: there is none."""
    url = settings.PUBLIC_URL + path
    return [
        Snippet("curl", _curl(method, url, body)),
        Snippet("Python", _python(method, url, body)),
        Snippet("JavaScript", _javascript(method, url, body)),
    ]


def first(key: str = KEY) -> str:
    """For curl: what somebody tries first."""
    return of("/mj/submit/imagine", {"prompt": "a lighthouse at dawn"})[0].text.replace(KEY, key)


def _json(body: dict[str, Any], indent: int) -> str:
    """Texts, numbers and lists are written alike in JSON, Python and JavaScript."""
    lines = json.dumps(body, ensure_ascii=False, indent=2).splitlines()
    return ("\n" + " " * indent).join(lines)


def _curl(method: str, url: str, body: dict[str, Any] | None) -> str:
    lines = [f"curl -X {method} {_quoted(url)}", f'  -H "Authorization: Bearer {KEY}"']
    if body is not None:
        lines.append('  -H "Content-Type: application/json"')
        lines.append(f"  -d {_quoted(_json(body, 0))}")
    return " \\\n".join(lines)


def _quoted(text: str) -> str:
    """For a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def _python(method: str, url: str, body: dict[str, Any] | None) -> str:
    lines = [
        "import requests",
        "",
        f"answer = requests.{method.lower()}(",
        f"    {json.dumps(url)},",
        f'    headers={{"Authorization": "Bearer {KEY}"}},',
    ]
    if body is not None:
        lines.append(f"    json={_json(body, 4)},")
    return "\n".join([*lines, "    timeout=60,", ")", "print(answer.json())"])


def _javascript(method: str, url: str, body: dict[str, Any] | None) -> str:
    lines = [f"const answer = await fetch({json.dumps(url)}, {{", f'  method: "{method}",']
    if body is None:
        lines.append(f'  headers: {{ Authorization: "Bearer {KEY}" }},')
    else:
        lines += [
            "  headers: {",
            f'    Authorization: "Bearer {KEY}",',
            '    "Content-Type": "application/json",',
            "  },",
            f"  body: JSON.stringify({_json(body, 2)}),",
        ]
    return "\n".join([*lines, "});", "console.log(await answer.json());"])
