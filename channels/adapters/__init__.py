"""The adapters by the kind of channel they serve."""

from channels.adapters.base import Adapter
from channels.adapters.midjourney_proxy import MidjourneyProxy

_ADAPTERS: dict[str, Adapter] = {"midjourney_proxy": MidjourneyProxy()}


def adapter_for(kind: str) -> Adapter:
    return _ADAPTERS[kind]
