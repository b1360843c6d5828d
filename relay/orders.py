"""What a tenant asks for, validated: built once, and both priced and forwarded from."""

from dataclasses import dataclass

from channels.adapters.base import Image
from relay.actions import Action


@dataclass(frozen=True, slots=True)
class Order:
    action: Action
    mode: str
    bot_type: str
    prompt: str
    images: tuple[Image, ...]
    state: str
    notify_hook: str
