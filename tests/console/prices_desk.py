"""Somebody of the staff at the pages of prices, without a browser."""

import re
import time
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.test import Client

from billing import books
from billing.models import PriceBook, StaffMember
from console.accounts import sessions
from tests.api.v1.people import new_user

PLACE = "/console/prices/"


@dataclass
class Staff:
    client: Client

    def get(self, path: str = "", **query: Any) -> Any:
        return self.client.get(PLACE + path, query)

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(PLACE + path, fields)

    def form(self, path: str) -> dict[str, str]:
        """What a browser would send of the page's inputs, unchanged."""
        page = self.get(path).content.decode()
        return inputs(page)

    def cell(self, page: str, label: str) -> str:
        """The name of the input that is called so."""
        found = re.search(rf'name="([^"]+)"[^>]*aria-label="{re.escape(label)}"', page)
        assert found, label
        return found[1]

    def change(self, book_id: int, cells: dict[str, str], *, seen: str = "") -> Any:
        """Saves the grid with other values in these cells; `seen`: the page as it was opened."""
        page = seen or self.get(f"{book_id}/").content.decode()
        fields = inputs(page) | {self.cell(page, label): text for label, text in cells.items()}
        return self.client.post(f"{PLACE}{book_id}/", fields)


def staff(role: str = "operator") -> Staff:
    user = new_user()
    StaffMember.objects.create(user=user, role=role)
    return Staff(signed_in(user))


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    now = time.time()
    session[sessions.BEGAN] = session[sessions.SEEN] = now
    # What allauth writes of a sign-in.
    record = {"method": "password", "at": now, "reauthenticated": True}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def inputs(page: str) -> dict[str, str]:
    tags = re.findall(r"<input[^>]*>", page[page.index("data-grid") :])
    found = {}
    for tag in tags:
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    return found


def draft() -> PriceBook:
    """A draft of the book in force."""
    return books.draft(origin=PriceBook.objects.in_force(), actor="test")


def text(answer: Any) -> str:
    found = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
    return unescape(found)
