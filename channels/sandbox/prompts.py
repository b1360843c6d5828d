"""The steering words: what a prompt may say to make the sandbox misbehave on purpose."""

import re
from enum import StrEnum


class Word(StrEnum):
    FAIL = "zzfail"
    SLOW = "zzslow"
    BAN = "zzban"
    QUEUE = "zzqueue"
    FULL = "zzfull"
    CODE3 = "zzcode3"
    HANG = "zzhang"
    CUT = "zzcut"
    LOST = "zzlost"
    DEAD = "zzdead"
    HTTP500 = "zz500"
    HTTP502 = "zz502"
    TWICE = "zztwice"
    JUMBLE = "zzjumble"
    MUTE = "zzmute"


MEANINGS: dict[Word, str] = {
    Word.FAIL: "accepted; shows 46 %, then FAILURE with a failReason",
    Word.SLOW: "accepted; stays at IN_PROGRESS 31 % for ever, without keeping a worker",
    Word.BAN: "refused: banned prompt (code 24)",
    Word.QUEUE: "accepted, answered as waiting in the queue (code 22)",
    Word.FULL: "refused: queue full (code 23)",
    Word.CODE3: "refused: no account available (code 3)",
    Word.HANG: "accepted and drawn at once, the answer to the submit comes very late",
    Word.CUT: "accepted and drawn, the connection is cut instead of an answer",
    Word.LOST: "answered as accepted, then forgotten: never listed, no hooks",
    Word.DEAD: "nothing accepted, the connection is cut without an answer",
    Word.HTTP500: "nothing accepted, HTTP 500 with an HTML page",
    Word.HTTP502: "nothing accepted, HTTP 502 with an HTML page",
    Word.TWICE: "accepted; every hook post is sent twice",
    Word.JUMBLE: "accepted; every second hook post arrives late, behind newer ones",
    Word.MUTE: "accepted; no hook posts at all",
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
