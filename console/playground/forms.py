"""What is asked before something is drawn, and the tenant API's body that it makes."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.base import File
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console.playground.kinds import Kind
from relay.api import readers
from relay.pictures import image_types

TYPES = "image/png,image/jpeg,image/gif,image/webp"
MASK_MAX_CHARS = 4_000_000
ONCE_MAX_CHARS = 64


class Pictures(forms.FileInput):
    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """Several files. `clean` leaves their judgement to the form, which knows how many."""

    widget = Pictures

    def clean(self, data: Any, initial: Any = None) -> list[File[bytes]]:
        return [file for file in (data if isinstance(data, list) else [data]) if file]


class NewDrawing(forms.Form):
    """`body`: what the tenant API is sent; only after is_valid()."""

    key = forms.TypedChoiceField(label=_("Key that pays"), coerce=int)
    mode = forms.ChoiceField(
        label=_("Mode"),
        required=False,
        choices=[
            ("", _("Default")),
            ("fast", _("Fast")),
            ("relax", _("Relax")),
            ("turbo", _("Turbo")),
        ],
    )

    def __init__(self, kind: Kind, keys: Iterable[tuple[int, str]], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind = kind
        key: Any = self.fields["key"]
        key.choices = list(keys)
        if kind.needs_prompt:
            self.fields["prompt"] = forms.CharField(
                label=_("Prompt"),
                max_length=settings.PROMPT_MAX_CHARS,
                widget=forms.Textarea(attrs={"rows": 4, "dir": "auto", "data-prompt": ""}),
            )
        if kind.images[1]:
            self.fields["images"] = PicturesField(label=_("Pictures"), required=False)
            attributes = {"accept": TYPES, "data-pictures-input": ""}
            if kind.images[1] > 1:
                attributes["multiple"] = ""
            self.fields["images"].widget = Pictures(attrs=attributes)
        if kind.name == "imagine":
            prompt = self.fields["prompt"].widget
            prompt.attrs["placeholder"] = _("What shall be in the picture?")
        if kind.name in ("imagine", "shorten"):
            self.fields["bot_type"] = forms.ChoiceField(
                label=_("Model"),
                required=False,
                choices=[("", "Midjourney"), ("NIJI_JOURNEY", "Niji")],
            )
        if kind.name == "blend":
            words = {"SQUARE": _("Square"), "PORTRAIT": _("Portrait"), "LANDSCAPE": _("Landscape")}
            self.fields["dimensions"] = forms.ChoiceField(label=_("Shape"), choices=words.items())
        if kind.name == "video":
            words = {"low": _("Little motion"), "high": _("Much motion")}
            self.fields["motion"] = forms.ChoiceField(
                label=_("Motion"), choices=[(word, words[word]) for word in readers.MOTIONS]
            )
        if kind.name == "edits":
            self.fields["mask"] = forms.CharField(
                required=False, max_length=MASK_MAX_CHARS, widget=forms.HiddenInput
            )

    def clean_images(self) -> list[File[bytes]]:
        files: list[File[bytes]] = self.cleaned_data["images"]
        least, most = self.kind.images
        if len(files) < least:
            raise forms.ValidationError(gettext("At least %d pictures are needed.") % least)
        if len(files) > most:
            raise forms.ValidationError(gettext("At most %d pictures are taken.") % most)
        for file in files:
            _check(file)
        return files

    @property
    def body(self) -> dict[str, Any]:
        files = self.cleaned_data.get("images") or ()
        return body_of(self.kind, self.cleaned_data, [_data_url(file) for file in files])


def body_of(kind: Kind, said: dict[str, Any], images: list[str]) -> dict[str, Any]:
    """The body of the tenant API, without what stays as it is when nothing is said."""
    body: dict[str, Any] = {}
    if kind.needs_prompt:
        body["prompt"] = said.get("prompt", "")
    if kind.name == "swap":
        body |= dict(zip(("sourceBase64", "targetBase64"), images, strict=False))
    elif kind.name == "describe":
        body |= dict(zip(("base64",), images, strict=False))
    elif kind.name in ("edits", "video"):
        body |= dict(zip(("image",), images, strict=False))
    elif images:
        body["base64Array"] = images
    optional = {
        "maskBase64": said.get("mask", ""),
        "dimensions": said.get("dimensions", ""),
        "motion": said.get("motion", ""),
        "botType": said.get("bot_type", ""),
        "mode": said.get("mode", ""),
    }
    return body | {name: value for name, value in optional.items() if value}


def _check(file: File[bytes]) -> None:
    if (file.size or 0) > settings.IMAGE_MAX_BYTES:
        text = gettext("%(name)s is larger than %(size)d MB.")
        shown = {"name": file.name, "size": settings.IMAGE_MAX_BYTES // 2**20}
        raise forms.ValidationError(text % shown)
    if _type(file) is None:
        text = gettext("%s is no picture: it must be PNG, JPEG, GIF or WebP.")
        raise forms.ValidationError(text % file.name)


def _type(file: File[bytes]) -> str | None:
    file.seek(0)
    mime = image_types.sniff(file.read(image_types.SNIFF_BYTES))
    return mime if mime and mime.startswith("image/") else None


def _data_url(file: File[bytes]) -> str:
    mime = _type(file)
    file.seek(0)
    return f"data:{mime};base64,{base64.b64encode(file.read()).decode()}"
