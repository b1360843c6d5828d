"""The knobs of the dialect under /newapi."""

from dataclasses import dataclass

from .knobs import knob, number, on_off


@dataclass(slots=True)
class NewApiSwitches:
    hooks: bool = knob(False, on_off, "the caller's notifyHook is passed on and posted to")
    forward_urls: bool = knob(True, on_off, "imageUrl is rewritten to the relay's own address")
    check_success: bool = knob(True, on_off, "follow-ups only on SUCCESS (modal is not checked)")
    dollars_left: float = knob(100.0, number, "what is left of the key's budget")
