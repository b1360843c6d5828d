"""What is done to the product: each function is one operation and returns what came of it.

An operation is `Choice`, four small numbers made up before anything is known; what they choose
from (a task, a captured payment) is whatever there is at that moment.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import requests
from celery import Celery
from django.db import IntegrityError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from billing import books, codes, ledger, tokens
from billing.errors import BillingError, CodeRefused
from billing.models import Entry, Token
from channels.models import Channel
from relay import signing
from relay.api.schema import examples
from relay.models import Task
from tests.accounts import TERMINAL
from tests.random.shadow import Answer, Sent
from tests.random.world import CODE_AMOUNT, PRICES, Customer, Key, World, newest

# What an upstream is told to do, by the words of the sandbox; most do nothing special.
WORDS = [
    "", "", "", "", "", "", "", "zzfail", "zzmute", "zztwice", "zzjumble", "zzqueue", "zzban",
    "zzfull", "zzlost", "zzcut", "zzdead", "zzempty", "zz429", "zz502", "zz503", "zzslow",
    "zzrelax", "zzhang", "zznextexists", "zznextexists", "zznextfail", "zznextcut", "zzsweep",
    "zzminus1",
]  # fmt: skip
PREFIXES = {"/mj": "fast", "/mj-relax/mj": "relax", "/mj-turbo/mj": "turbo"}
# What a client may be answered: never a crash, never an empty 200.
ANSWERS = {200, 400, 401, 402, 403, 404, 409, 422, 429, 502, 503}
AMOUNTS = (10_000, 250_000, 1_000_000, 3_000_000)
IMPATIENT_SECONDS = 0.2


class Choice(NamedTuple):
    kind: str
    who: int
    what: int
    how: int


# -- Asking for drawings ---------------------------------------------------------------------------


def submit(world: World, choice: Choice) -> str:
    customer, key = _whose(world, choice)
    prefix, mode = list(PREFIXES.items())[choice.how % 3]
    word = f"op{world.next_number()}."
    body = {"prompt": f"{WORDS[choice.what % len(WORDS)]} {word}", "state": word}
    if choice.how & 4:
        body["notifyHook"] = world.place.stack.inbox_url(customer.name)
    sent = Sent(word, customer.name, f"{prefix}/submit/imagine", body, mode, key)
    if choice.how & 24:
        sent.idempotency_key = f"key of {word}"
    world.shadow.send(sent)
    return _send(world, sent, seconds=IMPATIENT_SECONDS if choice.how % 29 == 28 else 20)


def repeat(world: World, choice: Choice) -> str:
    """The same under the same Idempotency-Key: one of the last, maybe still under way."""
    known = world.shadow.with_keys()
    if not known:
        return "nothing to repeat"
    return _send(world, known[-1 - choice.what % min(len(known), 12)])


def mismatch(world: World, choice: Choice) -> str:
    """Something else under the same Idempotency-Key."""
    known = [sent for sent in world.shadow.with_keys() if sent.accepted]
    if not known:
        return "nothing to mismatch"
    sent = known[-1 - choice.what % min(len(known), 12)]
    headers = {"Idempotency-Key": sent.idempotency_key}
    answer = world.post(sent.path, sent.key, sent.body | {"prompt": "another"}, **headers)
    if answer.status_code == 200:
        world.shadow.problem(f"{sent.word}: another body under its key was accepted")
    return _outcome(world, answer)


def follow_up(world: World, choice: Choice) -> str:
    """A button of a finished picture; of a zznextexists one the same button comes again."""
    customer, key = _whose(world, choice)
    parent = newest(customer, choice.what, status="SUCCESS", action="IMAGINE", is_test=_test(key))
    if parent is None:
        return "no picture yet"
    word = f"op{world.next_number()}."
    action = ("UPSCALE", "UPSCALE", "VARIATION", "REROLL")[choice.how % 4]
    body = {"taskId": str(parent.pk), "action": action, "state": word}
    if action != "REROLL":
        body["index"] = str(1 + choice.how % 2)
    sent = Sent(word, customer.name, "/mj/submit/change", body, "", key)
    world.shadow.send(sent)
    return _send(world, sent)


def open_modal(world: World, choice: Choice) -> str:
    customer = _with_modals(world, choice)
    assert customer.single
    word = f"op{world.next_number()}."
    task_id, button = customer.single
    body = {"taskId": task_id, "customId": button, "state": word}
    sent = Sent(word, customer.name, "/mj/submit/action", body, "", customer.keys[0])
    world.shadow.send(sent)
    return _send(world, sent)


def confirm_modal(world: World, choice: Choice) -> str:
    customer = _with_modals(world, choice)
    key = customer.keys[choice.who % 2]
    task = newest(customer, choice.what // 8, status="MODAL")
    if task is None:
        return "no open modal"
    prompt = ("", "", "zzfail", "zzban", "zzfull", "zzcut", "zzhang", "zzdead")[choice.what % 8]
    body = {"taskId": str(task.pk), "prompt": f"{prompt} confirmed"}
    return _ask(world, "/mj/submit/modal", key, body)


def upload(world: World, choice: Choice) -> str:
    customer, key = _whose(world, choice)
    word = f"op{world.next_number()}."
    body = {"base64Array": [examples.NAVY], "state": word}
    sent = Sent(word, customer.name, "/mj/submit/upload-discord-images", body, "", key)
    world.shadow.send(sent)
    return _send(world, sent)


def cancel(world: World, choice: Choice) -> str:
    customer, key = _whose(world, choice)
    task = newest(customer, choice.what, status="MODAL") or newest(customer, choice.what)
    return "no task" if task is None else _ask(world, f"/mj/task/{task.pk}/cancel", key, {})


def look(world: World, choice: Choice) -> str:
    """What a client sees never goes back from an end."""
    customer, key = _whose(world, choice)
    tasks = Task.objects.filter(tenant=customer.tenant).order_by("-id")
    ids = [str(pk) for pk in tasks.values_list("pk", flat=True)[: 1 + choice.what]]
    answer = world.post("/mj/task/list-by-condition", key, {"ids": ids})
    for task in answer.json() if answer.status_code == 200 else ():
        if task["status"] in TERMINAL:
            world.shadow.see_end(task["id"], task["status"])
    return _outcome(world, answer)


# -- What upstreams say ----------------------------------------------------------------------------


def hint(world: World, choice: Choice) -> str:
    """True, doubled, late and lying ones; forged ones are refused."""
    customer = world.customers[choice.who % len(world.customers)]
    task, other = newest(customer, choice.what), newest(customer, choice.what // 2)
    if task is None or other is None:
        return "no task"
    word = f"{task.pk}.{signing.sign('hint' if choice.how & 3 else 'image', task.pk)}"
    lie = {"id": other.upstream_id, "status": "SUCCESS", "progress": "100%", "imageUrl": "http://x"}
    for _ in range(1 + choice.how % 3):
        answer = requests.post(f"{world.url}/hints/{word}", json=lie, timeout=20)
        if answer.status_code != (200 if choice.how & 3 else 404):
            _outcome(world, answer)
    return str(answer.status_code)


def messages(world: World, choice: Choice) -> str:
    """Jobs that come twice, and out of their order."""
    names = (
        "relay.jobs.poll",
        "relay.jobs.sweep",
        "billing.jobs.roll_up",
        "relay.jobs.deliver_due",
    )
    url = world.place.redis.url.replace("unix://", "redis+socket://")
    queues = {"relay.jobs.poll": "poll", "relay.jobs.deliver_due": "deliver"}
    try:
        with Celery(broker=url) as broker:
            for number in range(1 + choice.how % 3):
                name = names[(choice.what + number) % len(names)]
                broker.send_task(name, queue=queues.get(name, "default"), retry=False)
    except (OperationalError, RedisError, OSError):
        return "no Redis"
    return "sent"


# -- What operators do -----------------------------------------------------------------------------


def top_up(world: World, choice: Choice) -> str:
    """Some payments are told again."""
    customer = world.customers[choice.who % len(world.customers)]
    amount = AMOUNTS[choice.what % 3]
    reference = f"payment {choice.what} {choice.how} of {customer.name}"
    try:
        ledger.topup(tenant_id=customer.tenant.pk, amount=amount, reference=reference, actor="test")
    except IntegrityError:
        return "told again"
    world.shadow.top_up(customer.tenant.pk, reference, amount)
    return "booked"


def adjust(world: World, choice: Choice) -> str:
    """Also more than there is."""
    customer = world.customers[choice.who % len(world.customers)]
    amount = AMOUNTS[choice.what % 4] * (1, -1, -5)[choice.how % 3]
    reference = f"correction {world.next_number()}"
    try:
        ledger.adjust(
            tenant_id=customer.tenant.pk,
            amount=amount,
            reference=reference,
            actor="test",
            memo="a slip",
        )
    except BillingError as error:
        return type(error).__name__
    world.shadow.book(customer.tenant.pk, amount)
    return "booked"


def set_credit(world: World, choice: Choice) -> str:
    customer = world.customers[choice.who % len(world.customers)]
    limit = (0, 500_000, 5_000_000)[choice.what % 3]
    try:
        ledger.set_credit_limit(tenant_id=customer.tenant.pk, credit_limit=limit, actor="test")
    except BillingError as error:
        return type(error).__name__
    return "set"


def refund(world: World, choice: Choice) -> str:
    """Whole, a part, or as a form does that may be sent twice; of whatever ended lately."""
    customer = world.customers[choice.who % len(world.customers)]
    kinds = ("capture", "capture", "capture", "hold")
    entries = Entry.objects.filter(wallet__tenant=customer.tenant, wallet__is_test=False)
    ended = list(entries.filter(kind=kinds[choice.how % 4]).order_by("-id")[:20])
    if not ended:
        return "nothing paid"
    reference = ended[choice.what % len(ended)].reference
    amount = (None, 10_000, 60_000)[choice.how % 3]
    before = world.shadow.refunded.get(reference, 0) if choice.how & 16 else None
    try:
        given = ledger.refund(
            reference=reference, amount=amount, actor="test", memo="x", refunded_before=before
        )
    except BillingError as error:
        return type(error).__name__
    world.shadow.refund(customer.tenant.pk, reference, given)
    return "refunded"


def change_prices(world: World, choice: Choice) -> str:
    """A new book with other prices and ratios, or back to an older one."""
    if choice.how % 3 == 0:
        return _roll_back(world, choice)
    factor = (1, 2, 3)[choice.what % 3]
    prices = {name: amount * factor // 2 for name, amount in PRICES.items()}
    ratios = {}
    if choice.how & 4:
        ratios["rich"] = Decimal(("0.333333", "1.5", "0")[choice.what % 3])
    world.publish(prices, ratios)
    return "published"


def _roll_back(world: World, choice: Choice) -> str:
    with world.prices_lock:
        to = world.shadow.published[choice.what % len(world.shadow.published)]
        with world.shadow.publishing(to.prices, to.ratios) as published:
            published.append(books.roll_back(to.book, actor="test"))
    return "rolled back"


def change_budget(world: World, choice: Choice) -> str:
    key = world.customers[choice.who % len(world.customers)].keys[1]
    name = ("budget", "day_budget", "week_budget", "month_budget")[choice.what % 4]
    limit = (None, 0, 1_000_000, 20_000_000)[choice.how % 4]
    if name == "budget":
        # Only upwards: the proofs look whether a key has kept within it.
        limit = None if limit is None else 10_000_000 * world.next_number()
    Token.objects.filter(pk=key.token.pk).update(**{name: limit})
    return "changed"


def disable_key(world: World, choice: Choice) -> str:
    """From then on every web process refuses it."""
    key = world.customers[choice.who % len(world.customers)].keys[-1]
    with key.lock:
        Token.objects.filter(pk=key.token.pk).update(is_active=False)
        try:
            return _expect_no_entrance(world, key, key.secret)
        finally:
            Token.objects.filter(pk=key.token.pk).update(is_active=True)


def rotate_key(world: World, choice: Choice) -> str:
    key = world.customers[choice.who % len(world.customers)].keys[-1]
    with key.lock:
        old = key.secret
        overlap = timedelta(hours=choice.how % 2)
        key.secret = tokens.rotate(Token.objects.get(pk=key.token.pk), overlap=overlap)
        return "rotated" if overlap else _expect_no_entrance(world, key, old)


def redeem(world: World, choice: Choice) -> str:
    customer = world.customers[choice.who % len(world.customers)]
    code = world.codes[choice.what % len(world.codes)]
    try:
        amount = codes.redeem(code, tenant=customer.tenant, actor="test")
    except CodeRefused:
        return "refused"
    assert amount == CODE_AMOUNT
    world.shadow.redeem(customer.tenant.pk, code, amount)
    return "redeemed"


def change_channel(world: World, choice: Choice) -> str:
    """The second channel of those who have two: the first stays."""
    channel = world.customers[0].channels[1]
    state = list(Channel.State)[choice.what % len(Channel.State)]
    Channel.objects.filter(pk=channel.pk).update(state=state)
    return str(state)


# -- How -------------------------------------------------------------------------------------------


def _whose(world: World, choice: Choice) -> tuple[Customer, Key]:
    customer = world.customers[choice.who % len(world.customers)]
    return customer, customer.keys[choice.who // len(world.customers) % len(customer.keys)]


def _with_modals(world: World, choice: Choice) -> Customer:
    customers = [customer for customer in world.customers if customer.single]
    return customers[choice.who % len(customers)]


def _test(key: Key) -> bool:
    return key.token.is_test


def _ask(world: World, path: str, key: Key, body: object) -> str:
    return _outcome(world, world.post(path, key, body))


def _send(world: World, sent: Sent, *, seconds: float = 20) -> str:
    headers = {"Idempotency-Key": sent.idempotency_key} if sent.idempotency_key else {}
    try:
        answer = world.post(sent.path, sent.key, sent.body, seconds=seconds, **headers)
    except requests.RequestException:
        sent.cut += 1
        raise
    is_replay = "Idempotent-Replayed" in answer.headers
    sent.answers.append(Answer(answer.status_code, answer.content, is_replay))
    return _outcome(world, answer) + (" again" if is_replay else "")


def _outcome(world: World, answer: requests.Response) -> str:
    if answer.status_code not in ANSWERS:
        world.shadow.problem(f"{answer.request.path_url}: {answer.status_code} {answer.text[:300]}")
    if answer.status_code == 200:
        return "200"
    with suppress(ValueError, TypeError):
        return f"{answer.status_code} {answer.json()['type']}"
    world.shadow.problem(f"{answer.request.path_url}: not our form: {answer.text[:300]}")
    return str(answer.status_code)


def _expect_no_entrance(world: World, key: Key, secret: str) -> str:
    stranger = Key(key.name, key.token, secret)
    for _ in range(4):
        answer = world.post("/mj/submit/imagine", stranger, {"prompt": "nobody"})
        if answer.status_code != 401:
            world.shadow.problem(f"a dead key was answered {answer.status_code} {answer.text}")
    return "refused"


Operation = Callable[[World, Choice], str]
# How often each is done, compared with the others.
OPERATIONS: dict[Operation, int] = {
    submit: 40,
    repeat: 10,
    mismatch: 2,
    follow_up: 10,
    open_modal: 4,
    confirm_modal: 6,
    upload: 2,
    cancel: 3,
    look: 4,
    hint: 8,
    messages: 2,
    top_up: 4,
    adjust: 3,
    set_credit: 2,
    refund: 8,
    change_prices: 2,
    change_budget: 2,
    disable_key: 1,
    rotate_key: 1,
    redeem: 3,
    change_channel: 1,
}
BY_NAME = {operation.__name__: operation for operation in OPERATIONS}
KINDS = [operation.__name__ for operation, weight in OPERATIONS.items() for _ in range(weight)]
