"""The caps of channels under many submits at once over two web processes: they hold to the task."""

from collections import Counter

from channels.models import Channel
from relay.models import Task
from tests.accounts import Account, open_account, open_channel
from tests.proofs import prove
from tests.races.together import raised, together
from tests.stack import Stack


def counts(account: Account) -> dict[int, int]:
    """Tasks by the channel that has them."""
    rows = Task.objects.live().filter(tenant=account.tenant).values_list("channel_id", flat=True)
    return dict(Counter(rows))


def test_two_hundred_submits_fill_the_caps_to_the_task(two_webs: Stack) -> None:
    """By priority: so many at once, so many in a minute, and what is left gets no room."""
    account = open_account(two_webs)
    first, group = account.channel, account.tenant.name
    Channel.objects.filter(pk=first.pk).update(priority=3, concurrency=40)
    second = open_channel(two_webs, group=group, priority=2, rpm=25)
    third = open_channel(two_webs, group=group, priority=1, concurrency=90, queue_depth=200)
    prompt = "zzslow two hundred at the caps"
    answers = together([lambda: account.imagine(prompt)] * 200)
    assert not raised(answers), raised(answers)[:3]
    by_status = Counter(answer.status_code for answer in answers)
    assert by_status == {200: 155, 429: 45}
    full = next(answer for answer in answers if answer.status_code == 429)
    assert (full.json()["type"], full.json()["code"]) == ("queue_full", 23)
    assert int(full.headers["Retry-After"]) > 0
    assert counts(account) == {first.pk: 40, second.pk: 25, third.pk: 90}
    assert len(two_webs.submits(prompt)) == 155
    assert account.written["attempts"] == account.written["tasks"] == 155
    prove(account.tenant.pk)
