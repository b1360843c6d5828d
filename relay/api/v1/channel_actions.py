"""What one does with a channel besides changing it: ask it something for free, make one like it."""

from channels import clones, probes
from channels.models import Channel, Probe
from relay.api.v1 import channels
from relay.api.v1.channel_history import ProbeLine
from relay.api.v1.channels import ChannelLine
from relay.api.v1.fields import Flag, Name, Strict
from relay.api.v1.operation import Call, View, operation
from relay.api.v1.roles import Right
from relay.errors import ObjectNotFound


class Copy(Strict):
    name = Name(help_text="Of the new one.")
    with_credentials = Flag(
        default=False, help_text="Copy its credentials too. (Their secrets are shown to nobody.)"
    )


class Probing(View):
    tag = "channels"
    thing, deed = "channel", "probe channel"
    site_only = True
    calls_out = True

    @operation(Right.LOOK, "Ask a channel now, for free, whether it is there", answer=ProbeLine)
    def post(self, call: Call, channel_id: int) -> Probe:
        channels.one(channel_id)
        told = probes.probe(channel_id)
        if told is None:
            raise ObjectNotFound("channel")
        told.refresh_from_db()
        return told


class Cloning(View):
    tag = "channels"
    thing, deed = "channel", "clone channel"
    site_only = True

    @operation(
        Right.CHANNELS,
        "Make a channel like this one, disabled",
        body=Copy,
        answer=ChannelLine,
        status=201,
    )
    def post(self, call: Call, channel_id: int) -> Channel:
        origin = channels.one(channel_id)
        made = clones.clone(origin, name=call.body["name"], actor=call.actor)
        if call.body["with_credentials"]:
            clones.copy_credentials(origin, to=made, actor=call.actor)
        return channels.one(made.pk)
