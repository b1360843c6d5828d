"""So many requests in any 60 seconds, for the key and for the tenant: counted in Redis, and in
PostgreSQL when that is gone."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.conf import LazySettings, settings

from billing import ledger, limits
from billing.errors import RateLimited
from billing.limits import Limit, in_postgres, in_redis
from billing.limits.in_redis import TAKEN, WAITS, Waiter
from billing.models import RateWindow
from common import redis_pool
from tests.accounts import Account
from tests.faults.servers import OwnRedis
from tests.races.together import raised, returned, together
from tests.stack import wait_until

# A Standing, or None without limits.
Take = Callable[[list[Limit]], Any]

pytestmark = pytest.mark.usefixtures("database")

both = pytest.mark.parametrize(
    "take", [limits.take, limits.take_in_postgres], ids=["redis", "postgres"]
)


def limit(per_minute: int, whose: str = "this key") -> Limit:
    """Of somebody whom nobody has counted yet."""
    return Limit(f"test:{uuid.uuid4().hex}", per_minute, whose, "submits")


def hits(subject: Limit) -> int:
    """Wherever it is counted."""
    counts = [*in_redis.look([subject]), *in_postgres.look([subject])]
    return sum(count.hits for count in counts)


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        yield client


def remember(client: redis.Redis, subject: Limit, *, age: float, number: int) -> None:
    """As if so many had come so many seconds ago, in both."""
    seconds, micro = client.time()
    at = seconds + micro / 1e6 - age
    client.hset(subject.subject, str(int(at)), f"{number}:{int(at % 1 * 1000)}")
    RateWindow.objects.update_or_create(
        subject=subject.subject, defaults={"hits": {str(int(at)): number}, "newest": int(at)}
    )


@both
def test_as_many_as_allowed_and_not_one_more(take: Take) -> None:
    key = limit(3)
    assert [take([key]).remaining for _ in range(3)] == [2, 1, 0]
    with pytest.raises(RateLimited, match="this key may make 3 submits in 60 seconds") as refusal:
        take([key])
    standing = refusal.value.standing
    assert (standing.limit, standing.remaining) == (key, 0)
    assert 50 <= refusal.value.retry_after <= standing.reset <= 61
    assert hits(key) == 3


@both
def test_what_one_limit_refuses_the_other_does_not_count(take: Take) -> None:
    key, tenant = limit(10), limit(2, "this tenant")
    assert [take([key, tenant]).remaining for _ in range(2)] == [1, 0]
    for asked in ([key, tenant], [tenant, key]):
        with pytest.raises(RateLimited, match="this tenant") as refusal:
            take(asked)
        assert refusal.value.standing.limit == tenant
    assert (hits(key), hits(tenant)) == (2, 2)
    assert take([key]).remaining == 7


@both
def test_the_tighter_one_is_told(take: Take) -> None:
    key, tenant = limit(3), limit(5, "this tenant")
    for _ in range(3):
        take([tenant])
    assert take([key, tenant]).limit == tenant


@both
def test_exactly_so_many_of_many_at_once(take: Take) -> None:
    key, tenant = limit(20), limit(12, "this tenant")
    results = together([lambda: take([key, tenant])] * 30 + [lambda: take([tenant, key])] * 30)
    assert len(returned(results)) == 12
    assert {type(error) for error in raised(results)} == {RateLimited}
    assert (hits(key), hits(tenant)) == (12, 12)


def test_who_waited_for_a_turn_counts_what_came_in_the_meantime(client: redis.Redis) -> None:
    """Its own second is older than theirs."""
    subject = limit(13)
    remember(client, subject, age=-2, number=12)
    assert limits.take_in_postgres([subject]).remaining == 0
    with pytest.raises(RateLimited):
        limits.take_in_postgres([subject])
    assert RateWindow.objects.get(pk=subject.subject).hits.popitem()[1] == 13


def test_a_clock_that_was_set_back_keeps_nobody_out(client: redis.Redis) -> None:
    subject = limit(2)
    remember(client, subject, age=-3600, number=2)
    assert limits.take_in_postgres([subject]).remaining == 1


@both
def test_nothing_is_allowed_where_the_limit_is_zero(take: Take) -> None:
    with pytest.raises(RateLimited) as refusal:
        take([limit(0)])
    assert refusal.value.retry_after == 60


def test_without_a_limit_nobody_is_asked() -> None:
    assert limits.take([]) is None
    assert limits.look([]) is None


@both
def test_a_hit_counts_for_sixty_seconds(client: redis.Redis, take: Take) -> None:
    """In PostgreSQL up to one more, until its whole second is over."""
    key = limit(5)
    remember(client, key, age=50, number=5)
    with pytest.raises(RateLimited) as refusal:
        take([key])
    assert 1 <= refusal.value.retry_after <= 11
    remember(client, key, age=62, number=5)
    client.hdel(key.subject, *list(client.hgetall(key.subject))[:-1])
    assert take([key]).remaining == 4


def test_room_comes_bit_by_bit(client: redis.Redis) -> None:
    key = limit(6)
    for age, number in ((55, 1), (40, 2), (10, 3)):
        remember(client, key, age=age, number=number)
    standing: Any = limits.look([key])
    assert standing.remaining == 0
    assert (1 <= standing.retry_after <= 6, 46 <= standing.reset <= 51) == (True, True)


def test_what_is_kept_is_small_and_goes_by_itself(client: redis.Redis) -> None:
    key = limit(10_000)
    for age in range(90, 0, -1):
        remember(client, key, age=age, number=50)
    limits.take([key])
    assert client.hlen(key.subject) <= 61
    assert 0 < client.ttl(key.subject) <= 61


def test_a_clock_that_was_set_back_locks_nobody_out(client: redis.Redis) -> None:
    key = limit(1)
    remember(client, key, age=-3600, number=1)
    allowed: Any = limits.take([key])
    assert allowed.remaining == 0


@both
def test_a_look_counts_nothing(take: Take) -> None:
    key = limit(2)
    take([key])
    look = limits.look if take is limits.take else in_postgres.look
    for _ in range(3):
        look([key])
    assert hits(key) == 1


def test_old_windows_are_swept(client: redis.Redis) -> None:
    old, new = limit(5), limit(5)
    remember(client, old, age=200, number=1)
    remember(client, new, age=30, number=1)
    in_postgres.sweep()
    left = RateWindow.objects.filter(subject__in=[old.subject, new.subject])
    assert [row.subject for row in left] == [new.subject]


def test_room_that_came_a_moment_later_is_no_lack_of_money(bystander: Account) -> None:
    """A hold is refused, a task ends, and only then it is asked why."""
    params = {
        "wallet_id": bystander.wallet.pk,
        "token_id": bystander.token.pk,
        "price": 1,
        "key_concurrency": None,
        "tenant_concurrency": None,
    }
    for limits_, says in (
        ({"key_concurrency": 3}, "this key may have 3"),
        ({"tenant_concurrency": 4}, "this tenant may have 4"),
        ({"key_concurrency": 3, "tenant_concurrency": 0}, "this tenant may have 0"),
        ({"key_concurrency": 0, "tenant_concurrency": 4}, "this key may have 0"),
        ({}, "balance"),
    ):
        assert says in str(ledger.refusal(params | limits_))


# -- Redis comes and goes --------------------------------------------------------------------------


@pytest.fixture
def own_redis(settings: LazySettings) -> Iterator[OwnRedis]:
    """This process counts in a Redis that the test may break."""
    server = OwnRedis()
    server.start()
    settings.REDIS_URL = server.url
    _begin_anew()
    yield server
    _begin_anew()
    server.remove()


def _begin_anew() -> None:
    redis_pool.client.cache_clear()
    in_redis._script.cache_clear()
    in_redis._line.__init__()


def source(key: Limit) -> str:
    standing: Any = limits.take([key])
    return str(standing.source)


def test_without_redis_postgres_counts_and_then_redis_again(
    own_redis: OwnRedis, caplog: pytest.LogCaptureFixture
) -> None:
    key = limit(1000)
    assert source(key) == "redis"
    own_redis.kill()
    assert {source(key) for _ in range(5)} == {"postgres"}
    own_redis.start()
    wait_until(lambda: source(key) == "redis")
    told = [record.message.partition(",")[0] for record in caplog.records]
    assert told == ["limits are counted in PostgreSQL", "limits are counted in Redis again"]


def test_a_redis_that_hangs_is_waited_for_once(own_redis: OwnRedis) -> None:
    key = limit(1000)
    assert source(key) == "redis"
    own_redis.suspend()
    began = time.monotonic()
    assert {source(key) for _ in range(20)} == {"postgres"}
    assert time.monotonic() - began < 10 * redis_pool.ANSWER_SECONDS
    own_redis.resume()
    wait_until(lambda: source(key) == "redis")


def test_many_at_once_without_redis_are_still_as_many_as_allowed(own_redis: OwnRedis) -> None:
    key = limit(10)
    own_redis.kill()
    results = together([lambda: limits.take([key])] * 40)
    assert [standing.source for standing in returned(results)] == ["postgres"] * 10


def test_a_redis_that_may_not_be_written_to_does_not_count(own_redis: OwnRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("min-replicas-to-write", 1)
        assert source(limit(5)) == "postgres"


# -- Lines -----------------------------------------------------------------------------------------


class Line:
    """Those who wait for room under one limit."""

    def __init__(self, per_minute: int) -> None:
        self.limit = limit(per_minute)
        self.came: dict[str, int] = {}

    def waiter(self, member: str, **fields: object) -> Waiter:
        return Waiter(
            line=self.limit.subject + ":line",
            member=member,
            came=self.came.get(member, 0),
            longest=3,
            life_seconds=5,
            patience_seconds=100,
        )._replace(**fields)

    def ask(self, member: str, **fields: object) -> tuple[int, int]:
        """(state, place)"""
        answer = in_redis.take([self.limit], self.waiter(member, **fields))
        self.came[member] = answer.came
        return answer.state, answer.place


def test_who_comes_first_goes_first(client: redis.Redis) -> None:
    line = Line(2)
    remember(client, line.limit, age=57, number=2)
    assert [line.ask(member) for member in "abc"] == [(WAITS, 0), (WAITS, 1), (WAITS, 2)]
    wait_until(lambda: in_redis.look([line.limit])[0].hits == 0)
    # Room for two, but two stand before it.
    assert line.ask("c") == (WAITS, 2)
    assert line.ask("b") == (TAKEN, 1)
    assert line.ask("c") == (WAITS, 1)
    assert line.ask("a") == (TAKEN, 0)


def test_the_line_is_bounded(client: redis.Redis) -> None:
    line = Line(1)
    line.ask("first")
    assert {line.ask(member)[0] for member in "abc"} == {WAITS}
    assert line.ask("d")[0] == in_redis.REFUSED
    in_redis.leave(line.waiter("b"))
    assert line.ask("d") == (WAITS, 2)


def test_nobody_waits_for_what_cannot_come_in_time() -> None:
    line = Line(1)
    line.ask("first")
    assert line.ask("a", patience_seconds=50)[0] == in_redis.REFUSED
    assert line.ask("b", patience_seconds=61) == (WAITS, 0)


def test_a_crashed_waiter_frees_its_place() -> None:
    line = Line(1)
    line.ask("first")
    assert line.ask("a", life_seconds=2) == (WAITS, 0)
    assert line.ask("b") == (WAITS, 1)
    assert wait_until(lambda: line.ask("b") == (WAITS, 0))


def test_a_line_that_all_have_left_goes_by_itself(client: redis.Redis) -> None:
    line = Line(1)
    line.ask("first")
    line.ask("a", life_seconds=0.2)
    name = line.waiter("a").line
    wait_until(lambda: not client.exists(name, f"{name}:alive"))


def test_a_line_under_threads_never_lets_more_in(client: redis.Redis) -> None:
    line = Line(20)

    def ask(number: int) -> int:
        return line.ask(str(number), longest=100)[0]

    with ThreadPoolExecutor(16) as threads:
        states = list(threads.map(ask, range(60)))
    assert (states.count(TAKEN), states.count(WAITS)) == (20, 40)
    assert hits(line.limit) == 20
