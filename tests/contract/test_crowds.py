"""Eight processes of eight threads on one account: every unit is granted once, also if processes are killed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg import Account, AccountPool
from chartimg.app.stores import open_store
from claimants import THREADS, UNITS, claimants
from postgresql_server import own_books, shared_postgresql
from redis_server import shared_redis


@pytest.fixture(params=["sqlite", "redis", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of an empty store."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/books.sqlite3"
    elif request.param == "redis":
        with shared_redis() as address:
            yield address
    else:
        yield own_books(shared_postgresql())


def serials(said: list[list[str]]) -> list[str]:
    """Return the serials of all claims that were granted."""
    return [line.removeprefix("got ") for lines in said for line in lines if line.startswith("got ")]


def used(url: str, account_id: str) -> int:
    """Return the number of units that the books count as taken."""
    pool = AccountPool([Account(account_id, "canary-key", UNITS, None, 1e5, 10**5)], open_store(url))
    try:
        return pool.status()[0].used
    finally:
        pool.close()


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(3, marks=pytest.mark.gate), pytest.param(1_000, marks=pytest.mark.soak)]
)
def test_a_crowd_is_granted_each_unit_once(url: str, rounds: int) -> None:
    """Eight processes of eight threads are granted fifty units of fifty, each of them once."""
    with claimants(url) as crowd:
        for number in range(rounds):
            said = crowd.race(f"round-{number}-{random.Random(url).random()}")

            assert UNITS == len(serials(said)) == len(set(serials(said)))
            assert 8 * THREADS == sum(lines.count("none") for lines in said)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(0, marks=pytest.mark.gate), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 200))],
)
def test_who_is_killed_loses_no_more_than_it_held(url: str, seed: int) -> None:
    """If processes are killed, at most the units that they were claiming are lost, and none is granted twice."""
    chance = random.Random(f"{url} {seed}")
    kill = {place: chance.randint(1, 40) for place in chance.sample(range(8), 3)}
    account_id = f"killed-{chance.random()}"
    with claimants(url) as crowd:
        said = crowd.race(account_id, kill=kill)
    granted = len(serials(said))
    in_doubt = sum(THREADS for place, lines in enumerate(said) if "done" not in lines)

    assert granted == len(set(serials(said)))
    assert granted <= UNITS
    assert granted <= used(url, account_id) <= UNITS
    assert used(url, account_id) - granted <= in_doubt
    assert UNITS == used(url, account_id)
