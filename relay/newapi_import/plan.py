"""What will be imported: all of it, before anything is written."""

from dataclasses import dataclass

from relay.newapi_import import channels, here, keys, options, prices, users
from relay.newapi_import.channels import Channels
from relay.newapi_import.keys import Keys
from relay.newapi_import.options import UsableGroups
from relay.newapi_import.prices import NewPrices
from relay.newapi_import.source import Source
from relay.newapi_import.tally import Findings, Money
from relay.newapi_import.users import Users


@dataclass(frozen=True)
class Choices:
    """What the operator has chosen. `label` tells several sources apart; `kind` is the kind of all
    channels, "" to go by their type."""

    label: str = "newapi"
    kind: str = ""
    skip_channels: bool = False
    skip_prices: bool = False
    publish_prices: bool = False


@dataclass(frozen=True)
class Plan:
    """`tenants` are those of users that an earlier run has imported. None: left out by choice, or
    nothing there."""

    source: Source
    choices: Choices
    tenants: dict[int, int]
    users: Users
    keys: Keys
    channels: Channels | None
    prices: NewPrices | None
    findings: Findings

    @property
    def groups(self) -> set[str]:
        """All that are named by what is imported."""
        named = {user.group for user in self.users.new} | {key.group for key in self.keys.new}
        for channel in self.channels.new if self.channels else ():
            named.update(channel.groups)
        return named - {""}


def make(source: Source, choices: Choices) -> Plan:
    """Raises ImportRefused."""
    settings = options.read(source.options.rows)
    per_unit = options.quota_per_unit(settings)
    findings = Findings()
    found = here.look(label=choices.label, user_ids=users.ids(source.users.rows))
    tenants = users.plan(
        source.users.rows,
        label=choices.label,
        here=found,
        money_=Money(per_unit),
        findings=findings,
    )
    keys_ = keys.plan(
        source.tokens.rows,
        homes=tenants.groups,
        usable=UsableGroups(settings) if source.is_newapi else None,
        per_unit=per_unit,
        findings=findings,
    )
    keys.leave_out_known(keys_, tenants=found.tenants, findings=findings)
    return Plan(
        source=source,
        choices=choices,
        tenants=found.tenants,
        users=tenants,
        keys=keys_,
        channels=None
        if choices.skip_channels
        else channels.plan(
            source.channels.rows,
            label=choices.label,
            here=found,
            kind=choices.kind,
            findings=findings,
        ),
        prices=None if choices.skip_prices else prices.plan(settings, is_newapi=source.is_newapi),
        findings=findings,
    )
