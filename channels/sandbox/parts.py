"""What all dialects share in one running sandbox."""

from collections.abc import Callable

from .clock import Ids
from .controls import Switches
from .engine import Engine, TaskT
from .hooks import HookPoster
from .journal import Journal
from .options import Options
from .pictures import Gallery
from .videos import VideoShelf


class Parts:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.switches = Switches(options)
        self.ids = Ids()
        self.gallery = Gallery(options.picture_address)
        self.videos = VideoShelf(options.picture_address)
        self.hooks = HookPoster(options.hook_connections)
        self.journal = Journal()
        self._forgetters: list[Callable[[], None]] = []

    def new_engine(self, *, on_change: Callable[[TaskT], None]) -> Engine[TaskT]:
        engine = Engine(
            self.options, switches=self.switches, gallery=self.gallery, on_change=on_change
        )
        self._forgetters.append(engine.forget)
        return engine

    def forget(self) -> None:
        for forget in self._forgetters:
            forget()
