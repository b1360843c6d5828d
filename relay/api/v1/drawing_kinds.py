"""What may be begun by way of relay/api/v1/drawings.py, and what the tenant API does then."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from relay import actions
from relay.actions import Action
from relay.api import readers, views
from relay.api.views import SubmitView

BUTTON, MODAL = "/mj/submit/action", "/mj/submit/modal"


class Kind(NamedTuple):
    """What may be begun: its path in the tenant API, and what answers there."""

    path: str
    action: Action
    view: Callable[[], SubmitView]


KINDS = {
    "imagine": Kind(
        "/mj/submit/imagine", actions.IMAGINE, partial(views.Submit, reader=(readers.imagine,))
    ),
    "blend": Kind(
        "/mj/submit/blend", actions.BLEND, partial(views.Submit, reader=(readers.blend,))
    ),
    "describe": Kind(
        "/mj/submit/describe", actions.DESCRIBE, partial(views.Submit, reader=(readers.describe,))
    ),
    "shorten": Kind(
        "/mj/submit/shorten", actions.SHORTEN, partial(views.Submit, reader=(readers.shorten,))
    ),
    "edits": Kind(
        "/mj/submit/edits", actions.EDITS, partial(views.Submit, reader=(readers.edits,))
    ),
    "video": Kind(
        "/mj/submit/video", actions.VIDEO, partial(views.Submit, reader=(readers.video,))
    ),
    "swap": Kind("/mj/insight-face/swap", actions.SWAP_FACE, views.Swap),
    "upload": Kind("/mj/submit/upload-discord-images", actions.UPLOAD, views.Upload),
}
