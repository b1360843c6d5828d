"""The pictures: drawn from the prompt when somebody asks for them, the same every time."""

import asyncio
import io
import random
import textwrap
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

GRID_PIXELS = 640
PICTURES_CACHED = 64
SKETCHES_KEPT = 200_000
TEXT_LINES = 5
TEXT_PIXELS = 20

# Pillow's own font has no Chinese; the first of these that the machine has is taken instead.
WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "DejaVuSans.ttf",
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """All that is needed to draw a picture.

    `seed` is the id of the task that made the grid; an upscale keeps it and names its quadrant
    (1 to 4), so that it shows the same quarter larger. None draws the whole grid.
    """

    text: str
    seed: str
    quadrant: int | None = None


class Gallery:
    """Sketches by picture name. They outlive `forget`, as pictures on a host of their own would."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._sketches: dict[str, Sketch] = {}

    def keep(self, name: str, sketch: Sketch) -> None:
        self._sketches[name] = sketch
        if len(self._sketches) > SKETCHES_KEPT:
            del self._sketches[next(iter(self._sketches))]

    def link(self, name: str) -> str:
        return f"{self._address}/sandbox/pictures/{name}.png"

    def interim_link(self, name: str) -> str:
        """Another address at each step, so that no cache on the way shows an older step."""
        return f"{self.link(name)}?rand={random.randrange(10**9)}"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sandbox/pictures/{name}.png", self._show, allow_head=True)]

    async def _show(self, request: web.Request) -> web.Response:
        png = await self.draw(request.match_info["name"], interim="rand" in request.query)
        if png is None:
            raise web.HTTPNotFound(text="no such picture\n")
        return web.Response(body=png, content_type="image/png")

    async def draw(self, name: str, *, interim: bool) -> bytes | None:
        """A PNG, or None if no task has asked for a picture of this name."""
        sketch = self._sketches.get(name)
        if sketch is None:
            return None
        return await asyncio.to_thread(draw_interim if interim else draw_final, sketch)


@lru_cache(maxsize=PICTURES_CACHED)
def draw_final(sketch: Sketch) -> bytes:
    return _png(_labelled(_paint(sketch), sketch))


@lru_cache(maxsize=PICTURES_CACHED)
def draw_interim(sketch: Sketch) -> bytes:
    """The picture half way: out of focus."""
    return _png(_labelled(_paint(sketch).filter(ImageFilter.GaussianBlur(14)), sketch))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _paint(sketch: Sketch) -> Image.Image:
    if sketch.quadrant is not None:
        return _quarter(sketch, sketch.quadrant, GRID_PIXELS)
    half = GRID_PIXELS // 2
    grid = Image.new("RGB", (GRID_PIXELS, GRID_PIXELS))
    for number in (1, 2, 3, 4):
        corner = ((number - 1) % 2 * half, (number - 1) // 2 * half)
        grid.paste(_quarter(sketch, number, half), corner)
    return grid


def _quarter(sketch: Sketch, number: int, pixels: int) -> Image.Image:
    """Sky and hills. The colour comes from the prompt, the shape from the task and the quadrant."""
    hue = random.Random(sketch.text).randrange(360)
    chance = random.Random(f"{sketch.seed}/{number}")
    sky = ImageOps.colorize(
        Image.linear_gradient("L").resize((pixels, pixels)),
        black=f"hsl({(hue + chance.randrange(-15, 15)) % 360}, 55%, 30%)",
        white=f"hsl({(hue + 40) % 360}, 70%, 80%)",
    )
    canvas = ImageDraw.Draw(sky)
    x, y, sun = chance.uniform(0.2, 0.8), chance.uniform(0.15, 0.4), chance.uniform(0.08, 0.16)
    box = [round(edge * pixels) for edge in (x - sun, y - sun, x + sun, y + sun)]
    canvas.ellipse(box, fill=f"hsl({(hue + 60) % 360}, 90%, 85%)")
    for layer in range(4):
        points = [(step / 6, 0.5 + 0.12 * layer + chance.uniform(-0.1, 0.1)) for step in range(7)]
        outline = [(0.0, 1.0), *points, (1.0, 1.0)]
        canvas.polygon(
            [(across * pixels, down * pixels) for across, down in outline],
            fill=f"hsl({(hue + 12 * layer) % 360}, 45%, {48 - 10 * layer}%)",
        )
    return sky


def _labelled(image: Image.Image, sketch: Sketch) -> Image.Image:
    """The prompt in a dark band at the foot."""
    font = _font(wide=_is_wide(sketch.text))
    columns = int((image.width - 32) / font.getlength("国" if _is_wide(sketch.text) else "n"))
    lines = textwrap.wrap(sketch.text, columns, max_lines=TEXT_LINES, placeholder=" …")
    if sketch.quadrant is not None:
        lines.append(f"U{sketch.quadrant}")
    height = len(lines) * (TEXT_PIXELS + 6) + 20
    canvas = ImageDraw.Draw(image, "RGBA")
    canvas.rectangle((0, image.height - height, image.width, image.height), fill=(0, 0, 0, 150))
    for row, line in enumerate(lines):
        top = image.height - height + 10 + row * (TEXT_PIXELS + 6)
        canvas.text((16, top), line, font=font, fill="white")
    return image


def _is_wide(text: str) -> bool:
    return any(character > "\u2e80" for character in text)


@lru_cache
def _font(*, wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in WIDE_FONTS if wide else ():
        try:
            return ImageFont.truetype(name, TEXT_PIXELS)
        except OSError:
            continue
    return ImageFont.load_default(TEXT_PIXELS)
