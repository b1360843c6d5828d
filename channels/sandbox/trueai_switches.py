"""The knobs of the dialect under /trueai."""

from dataclasses import dataclass

from .knobs import knob, number, on_off, one_of, some_of, whole_number
from .trueai_versions import NEWEST, VERSIONS, Version

# In the order in which the pool tries them when nobody asks for one.
MODES = ("FAST", "TURBO", "RELAX")
USERS = ("enabled", "disabled", "expired", "limited", "blocked")
REMIX = ("auto", "ask", "off")
FEATURES = ("uploads", "storage", "video", "swap")


@dataclass(slots=True)
class TrueAiSwitches:
    version: str = knob(
        NEWEST, one_of(*VERSIONS), f"{', '.join(VERSIONS)}: change routes, banned words, customIds"
    )
    user: str = knob(
        "enabled", one_of(*USERS), "disabled 401, expired 403, limited 429, blocked 403 (empty)"
    )
    remix: str = knob(
        "auto", one_of(*REMIX), "ask: vary, pan, video, reroll open a modal; off: none can"
    )
    modes: frozenset[str] = knob(frozenset(MODES), some_of(*MODES), "what the accounts can run")
    off: frozenset[str] = knob(
        frozenset(), some_of(*FEATURES), f"features switched off: {', '.join(FEATURES)}"
    )
    fast_left: int = knob(
        1_000_000, whole_number, "fast credits; at 0 every task ends in mode RELAX"
    )
    instant_upscale: bool = knob(
        False, on_off, "an upscale is SUCCESS before its submit is answered, no hook"
    )
    double_end: bool = knob(True, on_off, "the last hook post is sent once more")
    seed_seconds: float = knob(0.0, number, "how long image-seed thinks")

    @property
    def rules(self) -> Version:
        return VERSIONS[self.version]
