"""Midjourney channels become channels; others are counted, and named when they draw too."""

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from channels.models import Channel, is_web_address
from relay.newapi_import import names, values
from relay.newapi_import.errors import Unfit
from relay.newapi_import.here import Here
from relay.newapi_import.source import Row
from relay.newapi_import.tally import Findings, Tally
from relay.newapi_import.users import GROUP_MAX_CHARS

# new-api's types Midjourney and MidjourneyPlus. (one-api has others under these numbers, but they
# do not list models that draw.)
KINDS = {2: Channel.Kind.MIDJOURNEY_PROXY, 5: Channel.Kind.TRUEAI}
ENABLED = 1
NAME_MAX_CHARS = 100
URL_MAX_CHARS = 500
SMALLEST, LARGEST = -(2**31), 2**31 - 1


@dataclass
class NewChannel:
    name: str
    kind: str
    base_url: str
    state: str
    priority: int
    weight: int
    groups: list[str]
    actions: list[str]
    # new-api shares a channel's work among several keys too.
    secrets: list[str] = field(repr=False)


@dataclass
class Channels:
    new: list[NewChannel]
    tally: Tally


class _Reader:
    def __init__(self, label: str, here: Here, kind: str, findings: Findings) -> None:
        self.label = label
        self.here = here
        self.kind = kind
        self.findings = findings
        self.given: set[str] = set()
        self.channels = Channels(new=[], tally=Tally())

    def take(self, row: Row) -> None:
        tally = self.channels.tally
        tally.there += 1
        shown = values.shown("channel", row)
        try:
            channel = self._channel(row, shown)
        except Unfit as error:
            tally.skipped += 1
            self.findings.add(f"channels skipped: {error}", shown)
            return
        if channel is None:
            tally.here_already += 1
        else:
            tally.imported += 1
            self.channels.new.append(channel)

    def _channel(self, row: Row, shown: str) -> NewChannel | None:
        """None for one that is here already."""
        actions = names.of_models(values.text(row, "models"))
        kind = KINDS.get(values.integer(row, "type"))
        if not actions:
            raise Unfit("they do not list a model that draws")
        if kind is None:
            raise Unfit("they draw, but are of no Midjourney type; add them by hand")
        base_url = _base_url(row)
        name, is_clash = self._name(row, base_url)
        if name in self.here.channel_addresses:
            return None
        groups = _groups(row)
        channel = NewChannel(
            name=name,
            kind=self.kind or kind,
            base_url=base_url,
            state=Channel.State.DISABLED,
            priority=min(max(values.integer(row, "priority"), SMALLEST), LARGEST),
            weight=min(max(values.integer(row, "weight"), 1), LARGEST),
            groups=groups,
            actions=actions,
            secrets=_secrets(row),
        )
        if is_clash:
            self.findings.add("channels switched off: another one has their name here", shown)
        elif not groups:
            self.findings.add("channels switched off: they have no group", shown)
        elif values.integer(row, "status", default=ENABLED) == ENABLED:
            channel.state = Channel.State.ENABLED
        return channel

    def _name(self, row: Row, base_url: str) -> tuple[str, bool]:
        """(name, whether its own name belongs to another channel here). One of the same name and
        address is the one that an earlier run has imported."""
        suffix = f"{self.label}-{values.integer(row, 'id')}"
        wanted = values.tidy(values.text(row, "name"), limit=NAME_MAX_CHARS) or suffix
        address = self.here.channel_addresses.get(wanted, base_url)
        is_clash = address != base_url and wanted not in self.given
        taken = {wanted} if is_clash else self.given
        name = names.free(wanted, taken=taken, suffix=suffix, limit=NAME_MAX_CHARS)
        self.given.add(name)
        return name, is_clash


def plan(rows: list[Row], *, label: str, here: Here, kind: str, findings: Findings) -> Channels:
    """`kind` is the operator's choice for all of them, "" to go by their type."""
    reader = _Reader(label, here, kind, findings)
    for row in sorted(rows, key=lambda row: str(row["id"]).zfill(20)):
        reader.take(row)
    return reader.channels


def _secrets(row: Row) -> list[str]:
    """Each once, in their order."""
    lines = (line.strip() for line in values.text(row, "key").splitlines())
    secrets = list(dict.fromkeys(filter(None, lines)))
    if not all(secret.isascii() and secret.isprintable() for secret in secrets):
        raise Unfit("the key has signs in it that nobody can send")
    return secrets


def _base_url(row: Row) -> str:
    base_url = values.text(row, "base_url").rstrip("/")
    if not base_url:
        raise Unfit("they have no address of their own, and would have used one built in there")
    try:
        is_web_address(base_url)
    except ValidationError as error:
        raise Unfit("the address is not one of the web") from error
    if len(base_url) > URL_MAX_CHARS or not base_url.isprintable():
        raise Unfit("the address is not one of the web")
    return base_url


def _groups(row: Row) -> list[str]:
    said = (
        values.tidy(name, limit=200) for name in values.text(row, "group", "default").split(",")
    )
    groups = list(dict.fromkeys(filter(None, said)))
    if any(len(name) > GROUP_MAX_CHARS for name in groups):
        raise Unfit("the name of a group is too long")
    return groups
