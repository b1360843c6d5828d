"""Cuts out of a text for a log what must not stand in one: secrets, and pictures.

Two ways, both for every text: the secrets that this process knows (`hide`) are cut wherever they
stand, and what looks like a secret is cut although nobody has told us of it.
"""

import json
import re
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

CUT = "***"
# Looked through is only so much: somebody's 30 MB in an exception must not keep a process busy.
READ_MAX_CHARS = 64 * 1024
# Shorter ones may be words that stand everywhere.
SECRET_MIN_CHARS = 6
# The newest that were told; a process meets far fewer.
SECRETS_MAX = 5000
# From here on letters without a blank are taken for a picture.
BASE64_MIN_CHARS = 200

# What a secret is called, as the end of a name: KEY_HASH_SECRET, webhook_secret, mj-api-secret.
_NAME = (
    r"(?<![a-z0-9])(?:[a-z0-9_-]{0,40}[_-])?"
    r"(?:authorization|api[_-]?key|(?:epay|access|private|secret)[_-]key|secret|passwor[dt]|passwd"
    r"|pwd|token|cookie|csrftoken|sessionid|signature)"
)
# In quotes, in quotes that are themselves quoted, or up to the next sign that ends a word.
_VALUE = (
    r"""(?:\\+"[^"]{0,2000}?\\+"|\\+'[^']{0,2000}?\\+'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    r"""|[\\"']*(?:(?:bearer|basic|token)\s+)?[^\s"',;&})\]\\]+)"""
)


class _Rule(NamedTuple):
    """`signs`: without one of these in it, in small letters, a text has nothing for the rule."""

    signs: tuple[str, ...]
    pattern: re.Pattern[str]
    instead: str


_RULES = (
    _Rule(("cookie",), re.compile(r"(?i)\b((?:set-)?cookie\s*:\s*)[^\r\n]+"), rf"\1{CUT}"),
    _Rule(
        (
            "auth",
            "key",
            "secret",
            "passw",
            "pwd",
            "token",
            "cookie",
            "csrf",
            "session",
            "signature",
        ),
        re.compile(
            rf"""(?i)({_NAME}(?:\\*["']?\s*[:=]\s*|\\*["']\s*,\s*(?=\\*["'])))(?:b(?=["']))?{_VALUE}"""
        ),
        rf"\1{CUT}",
    ),
    _Rule(
        ("bearer", "basic"),
        re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"),
        rf"\1 {CUT}",
    ),
    # Our keys, Stripe's, and whatever is called like them. Eight characters of ours may be shown.
    _Rule(
        ("sk", "mk", "rk", "pk", "hk"),
        re.compile(r"\b((?:sk|mk|rk|pk|hk)[-_](?:test[-_]|live[-_])?)[A-Za-z0-9_-]{12,}"),
        rf"\1{CUT}",
    ),
    _Rule(("whsec_",), re.compile(r"\b(whsec_)[A-Za-z0-9+/=_-]{6,}"), rf"\1{CUT}"),
    # A JSON Web Token.
    _Rule(("eyj",), re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), CUT),
    # postgres://user:password@host
    _Rule(("://",), re.compile(r"(://[^\s/:@]*:)[^\s/]+@"), rf"\1{CUT}@"),
    _Rule(
        ("=",),
        re.compile(r"(?i)([?&;](?:sig|sign|key|code|x-amz-[a-z]+)=)[^&\s\"'#]+"),
        rf"\1{CUT}",
    ),
    # An address that is a permission: hints/1234.signature
    _Rule(("/hints/",), re.compile(r"(/hints/)[\w.-]+"), rf"\1{CUT}"),
)
_PICTURE = re.compile(r"(data:[\w/+.-]{0,40};base64,)([A-Za-z0-9+/=_-]*)")
_LETTERS = re.compile(rf"[A-Za-z0-9+/=_-]{{{BASE64_MIN_CHARS},}}")
# The same in lines, as mail has it; after _LETTERS no line is longer.
_LINES = re.compile(
    rf"(?:[A-Za-z0-9+/]{{60,{BASE64_MIN_CHARS}}}(?:\r?\n|\\r\\n|\\n))+[A-Za-z0-9+/]*={{0,2}}"
)

_secrets: OrderedDict[str, None] = OrderedDict()
# The same, the longest first: one may be a part of another.
_sorted: tuple[str, ...] = ()
_lock = Lock()


def hide(*secrets: str) -> None:
    """From now on these stand in no log of this process."""
    global _sorted
    new = {form for secret in secrets for form in _forms(secret) if form not in _secrets}
    if not new:
        return
    with _lock:
        _secrets.update(dict.fromkeys(new))
        while len(_secrets) > SECRETS_MAX:
            _secrets.popitem(last=False)
        _sorted = tuple(sorted(_secrets, key=len, reverse=True))


def password(url: str) -> str:
    """The one in an address; "" without one."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def redact(text: str) -> str:
    """The text, at most READ_MAX_CHARS of it, without secrets and pictures."""
    if len(text) > READ_MAX_CHARS:
        # Nothing is cut in two: half a secret would be none to the rules.
        text = text[:READ_MAX_CHARS].rsplit(None, 1)[0] + f"… ({len(text)} characters)"
    # One by one: a regular expression of them all takes many times as long.
    for secret in _sorted:
        if secret in text:
            text = text.replace(secret, CUT)
    text = _PICTURE.sub(_counted, text)
    text = _LETTERS.sub(_measured, text)
    text = _LINES.sub(_measured, text)
    small = text.lower()
    for rule in _RULES:
        if any(sign in small for sign in rule.signs):
            text = rule.pattern.sub(rule.instead, text)
    return text


@lru_cache(maxsize=SECRETS_MAX)
def _forms(secret: str) -> frozenset[str]:
    """Without the beginning that many keys share; as it is, as JSON, as an address and as Python
    have it."""
    bare = secret.removeprefix("sk-")
    texts = {bare, json.dumps(bare)[1:-1], quote(bare, safe="")}
    texts |= {text.replace("\\", "\\\\") for text in texts}
    return frozenset(text for text in texts if len(text) >= SECRET_MIN_CHARS)


def _counted(found: re.Match[str]) -> str:
    return f"{found[1]}({len(found[2])} characters)"


def _measured(found: re.Match[str]) -> str:
    return f"({len(found[0])} characters)"
