"""What may be begun in the playground, as data: which fields each kind asks for."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Kind:
    """`images`: how many pictures at least and at most. `needs_prompt`: asks for words."""

    name: str
    label: Any
    icon: str
    text: Any
    needs_prompt: bool = False
    images: tuple[int, int] = (0, 0)


IMAGES_MAX = 5
ALL = (
    Kind(
        "imagine",
        _("Imagine"),
        "wand",
        _("Draws four pictures of what you describe. Pictures that you add show it what you mean."),
        needs_prompt=True,
        images=(0, IMAGES_MAX),
    ),
    Kind(
        "blend",
        _("Blend"),
        "stack-2",
        _("Makes one out of two to five pictures."),
        images=(2, IMAGES_MAX),
    ),
    Kind(
        "describe",
        _("Describe"),
        "message",
        _("Says with which prompts such a picture might be drawn."),
        images=(1, 1),
    ),
    Kind(
        "shorten",
        _("Shorten"),
        "minus",
        _("Says which words of a long prompt count."),
        needs_prompt=True,
    ),
    Kind(
        "edits",
        _("Edit"),
        "brush",
        _("Draws anew what you paint over in a picture of yours."),
        needs_prompt=True,
        images=(1, 1),
    ),
    Kind(
        "video",
        _("Video"),
        "player-play",
        _("Sets a picture of yours in motion."),
        needs_prompt=True,
        images=(1, 1),
    ),
    Kind(
        "swap",
        _("Swap face"),
        "masks-theater",
        _("Puts the face of the first picture into the second one."),
        images=(2, 2),
    ),
    Kind(
        "upload",
        _("Upload"),
        "upload",
        _("Brings pictures to where they are drawn, and tells their addresses for prompts."),
        images=(1, IMAGES_MAX),
    ),
)
# For those who do not know how to begin.
EXAMPLES = (
    _("a lighthouse at dawn, oil on canvas"),
    _("a red fox in fresh snow, soft morning light"),
    _("an old harbour town, layered paper cut"),
)
BY_NAME = {kind.name: kind for kind in ALL}
