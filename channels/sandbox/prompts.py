"""The steering words: what a prompt may say to make the sandbox misbehave on purpose."""

import re
from enum import StrEnum


class Word(StrEnum):
    FAIL = "zzfail"
    SLOW = "zzslow"
    WORDS = "zzwords"
    BAN = "zzban"
    QUEUE = "zzqueue"
    FULL = "zzfull"
    CODE3 = "zzcode3"
    HANG = "zzhang"
    CUT = "zzcut"
    LOST = "zzlost"
    NULL204 = "zznull204"
    DEAD = "zzdead"
    EMPTY = "zzempty"
    HTTP401 = "zz401"
    HTTP429 = "zz429"
    HTTP500 = "zz500"
    HTTP502 = "zz502"
    HTTP503 = "zz503"
    TWICE = "zztwice"
    JUMBLE = "zzjumble"
    MUTE = "zzmute"
    NOEND = "zznoend"
    FAST = "zzfast"
    RELAX = "zzrelax"
    TURBO = "zzturbo"
    PARTNER = "zzpartner"
    INSTANT = "zzinstant"
    EXISTS = "zzexists"
    SWEEP = "zzsweep"
    MINUS1 = "zzminus1"
    QUOTA = "zzquota"
    ORPHAN = "zzorphan"


MEANINGS: dict[Word, str] = {
    Word.FAIL: "accepted; shows 46 %, then FAILURE with a failReason",
    Word.SLOW: "accepted; stays at IN_PROGRESS 31 % for ever, without keeping a worker",
    Word.WORDS: 'accepted; progress "Waiting to start", percentages, "fast"; not at /trueai',
    Word.BAN: "refused: banned prompt (code 24); at /trueai from 11.6.2 on accepted, then FAILURE",
    Word.QUEUE: "accepted, answered as waiting in the queue (code 22; /newapi makes it 1)",
    Word.FULL: "refused: queue full (code 23; /trueai says 9)",
    Word.CODE3: "refused: no account available (code 3)",
    Word.HANG: "accepted and drawn at once, the answer to the submit comes very late",
    Word.CUT: "accepted and drawn, the connection is cut instead of an answer",
    Word.LOST: "answered as accepted, then forgotten: never listed, no hooks",
    Word.NULL204: "accepted; fetch answers as for an unknown id, lists and hooks know it",
    Word.DEAD: "nothing accepted, the connection is cut without an answer",
    Word.EMPTY: "nothing accepted, HTTP 200 without a body",
    Word.HTTP401: "nothing accepted, HTTP 401 in the dialect's own words",
    Word.HTTP429: "nothing accepted, HTTP 429 (/trueai: without a body; else an HTML page)",
    Word.HTTP500: "nothing accepted, HTTP 500 with an HTML page",
    Word.HTTP502: "nothing accepted, HTTP 502 with an HTML page",
    Word.HTTP503: 'nothing accepted, HTTP 503 (/newapi: "No available channel"; else an HTML page)',
    Word.TWICE: "accepted; every hook post is sent twice",
    Word.JUMBLE: "accepted; every second hook post arrives late, behind newer ones",
    Word.MUTE: "accepted; no hook posts at all",
    Word.NOEND: "accepted; hook posts for the progress, none for the end",
    Word.FAST: "/trueai: ends in mode FAST, whatever was asked for",
    Word.RELAX: "/trueai: ends in mode RELAX, whatever was asked for",
    Word.TURBO: "/trueai: ends in mode TURBO, whatever was asked for",
    Word.PARTNER: "/trueai, /newapi: made on a partner account: U and describe end in one step",
    Word.INSTANT: "as zznextinstant: an upscale is SUCCESS before its submit is answered, no hook",
    Word.EXISTS: "as zznextexists: the second of two equal follow-ups is the first (code 21)",
    Word.SWEEP: "/trueai, /newapi: waits, then swept away: FAILURE without finishTime and hook",
    Word.MINUS1: "/trueai, /newapi: refused in HTTP 200 with code -1 and `message`",
    Word.QUOTA: "refused, a limit is used up: /trueai code 4 or -1, /newapi quota_not_enough",
    Word.ORPHAN: "/newapi: HTTP 400 do_request_failed (code 5), drawn all the same, never listed",
}

# A follow-up has no prompt of its own, so its parent's steers it, in words that begin with zznext.
FOLLOW_UP_MEANING = "steers the follow-ups of this picture: zznextfail, zznexthang and so on"

_WORD = re.compile("|".join(Word))
_NEXT_WORD = re.compile(f"zznext({'|'.join(word.removeprefix('zz') for word in Word)})")


def words_in(prompt: str) -> frozenset[Word]:
    """The steering words found anywhere in the prompt, in any case, also inside other words."""
    return frozenset(Word(found) for found in _WORD.findall(prompt.lower()))


def follow_up_words_in(prompt: str) -> frozenset[Word]:
    """What the parent's prompt says about its follow-ups: "a cat zznextfail" gives zzfail."""
    return frozenset(Word("zz" + found) for found in _NEXT_WORD.findall(prompt.lower()))
