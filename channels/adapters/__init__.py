"""The adapters by the kind of channel they serve."""

from channels.adapters.base import Adapter
from channels.adapters.midjourney_proxy import MidjourneyProxy
from channels.adapters.newapi import NewApi
from channels.adapters.trueai import TrueAi

_ADAPTERS: dict[str, Adapter] = {
    "midjourney_proxy": MidjourneyProxy(),
    "trueai": TrueAi(),
    "newapi": NewApi(),
}


def adapter_for(kind: str) -> Adapter:
    return _ADAPTERS[kind]
