"""The contract of an account store, as a class of tests: subclass it to test a store of your own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from ..adapters.memory import MemoryAccountStore
from ..app.bootstrap import AccountPool
from ..domain.account import Account, AccountSnapshot, AccountState
from ..domain.account.turn import Granted
from ..domain.faults import ChartApiError, FaultKind
from ..domain.plan import ChartLimits
from ..domain.ports import AccountStore
from ..testing import VirtualClock

_NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_IDS: Final = ("a", "A", "a ", " a", "b b", "Ä/ö:{x}%s*", "…" * 40, "0")
_UNITS: Final = 50


def _snapshot(account_id: str = "a", version: int = 0, **changes: object) -> AccountSnapshot:
    """Return a snapshot with a value in every field."""
    full = AccountSnapshot(
        account_id,
        window=_NOON.replace(hour=0),
        arrival=_NOON + timedelta(microseconds=123_457),
        key_digest="0123456789abcdef",
        version=version,
        state=AccountState.THROTTLED,
        used=7,
        until=_NOON + timedelta(seconds=2.5),
        reason='Too "many" Requests\\ and … more',
        spent=False,
        refunded=frozenset({3, 5, 1024}),
        serial=9,
        epoch=2,
        full_at=_NOON - timedelta(days=400, microseconds=1),
        learned_limits=ChartLimits(1920, 1080, 5, custom_watermark=False),
    )
    return attrs.evolve(full, **changes)  # type: ignore[arg-type]


class AccountStoreContract:
    """The tests that every :class:`chartimg.domain.ports.AccountStore` must pass.

    ::

        class TestMyStore(AccountStoreContract):
            @pytest.fixture(autouse=True)
            def _place(self, tmp_path):
                self.path = tmp_path / "books"

            def open(self):
                return MyStore(self.path)

    Each test has an instance of its own. The first :meth:`open` of an instance must find an empty store, and each further
    one the same store as the first.

    Attributes:
        durable: whether the snapshots outlive the last handle.
    """

    durable = True

    def open(self) -> AccountStore:
        """Open a handle on the store of this test."""
        raise NotImplementedError

    def test_what_is_put_is_read(self) -> None:
        """An unknown id is read as None, once for each place; every field is read back unchanged, to the microsecond."""
        with closing(self.open()) as store:
            plain = AccountSnapshot("b", _NOON.replace(hour=0), _NOON, "digest")

            assert (None, None, None) == store.read(["a", "b", "a"])
            assert () == store.read([])
            assert store.replace(None, _snapshot())
            assert store.replace(None, plain)
            assert (plain, None, _snapshot()) == store.read(["b", "c", "a"])

    def test_any_id_names_an_account(self) -> None:
        """Any id names an account of its own, even if it differs only in case or spaces, among more than a thousand."""
        with closing(self.open()) as store:
            many = [*_IDS, *(f"account-{number}" for number in range(1200))]
            for account_id in many:
                assert store.replace(None, _snapshot(account_id))

            assert tuple(map(_snapshot, many)) == store.read(many)

    def test_only_what_is_kept_can_be_replaced(self) -> None:
        """A swap from any snapshot but the kept one, on any handle, is refused and changes no snapshot."""
        first, second, third = (_snapshot(version=version, used=version) for version in (1, 2, 3))
        with closing(self.open()) as one, closing(self.open()) as other:
            assert one.replace(None, first)
            for store in (one, other):
                assert not store.replace(None, second)
                assert not store.replace(third, second)
                assert not store.replace(attrs.evolve(first, used=99), second)
                assert (first,) == store.read(["a"])
            assert other.replace(first, second)
            for store in (one, other):
                assert not store.replace(first, third)
                assert (second,) == store.read(["a"])

    def test_of_many_threads_one_wins_each_swap(self) -> None:
        """If many threads swap the same snapshot on several handles, one of them succeeds."""
        with closing(self.open()) as one, closing(self.open()) as other:
            kept: AccountSnapshot | None = None
            for version in range(5):
                tries = [(store, _snapshot(version=version, used=used)) for used in range(8) for store in (one, other)]
                with ThreadPoolExecutor(len(tries)) as threads:
                    won = list(threads.map(lambda each, old=kept: each[0].replace(old, each[1]), tries))
                (kept,) = one.read(["a"])

                assert won.count(True) == 1
                assert kept == tries[won.index(True)][1]

    def test_a_day_is_granted_once(self) -> None:
        """Many threads on two pools are granted every unit of a day once."""
        account = Account("a", "the-key", daily_limit=_UNITS, requests_per_second=1e6, burst=1000)
        clock = VirtualClock(_NOON)
        with closing(self.open()) as one, closing(self.open()) as other:
            pools = [AccountPool([account], store, clock) for store in (one, other)]
            with ThreadPoolExecutor(8) as threads:
                taken = list(threads.map(lambda number: pools[number % 2].claim(), range(2 * _UNITS)))
            claims = [outcome.claim for outcome in taken if isinstance(outcome, Granted)]

            assert _UNITS == len(claims) == len({claim.serial for claim in claims})
            assert (pools[0].status()[0].used, pools[1].status()[0].left) == (_UNITS, 0)

    def test_a_pool_works_as_on_books_in_memory(self) -> None:
        """Claims, reports, refunds and suspensions over midnight leave the same snapshots as in memory."""
        accounts = [Account("a", "key-a", daily_limit=5), Account("b", "key-b", daily_limit=2, burst=1)]
        with closing(self.open()) as store:
            stores = store, MemoryAccountStore()
            clocks = VirtualClock(_NOON), VirtualClock(_NOON)
            pairs = [(AccountPool(accounts, *each), each[1]) for each in zip(stores, clocks, strict=True)]
            for step, kind in enumerate((*FaultKind, *FaultKind)):
                outcomes = [pool.claim(latest=clock.now() + timedelta(seconds=90)) for pool, clock in pairs]
                assert outcomes[0] == outcomes[1]
                for (pool, clock), outcome in zip(pairs, outcomes, strict=True):
                    if isinstance(outcome, Granted):
                        said = f"Exceed Max Usage {'Watermark' if step % 2 else 'Resolution'} Limit"
                        pool.report(outcome.claim, ChartApiError.of(kind, said))
                        pool.refund(outcome.claim)
                    if step % 7 == 3:
                        pool.reinstate("a")
                    clock.advance(7_000)
                assert stores[0].read(["a", "b"]) == stores[1].read(["a", "b"])

    def test_books_outlive_the_handle(self) -> None:
        """A durable store keeps its snapshots after it was closed twice and opened again."""
        first = self.open()
        assert first.replace(None, _snapshot())
        first.close()
        first.close()
        with closing(self.open()) as again:
            assert ((_snapshot(),) if self.durable else (None,)) == again.read(["a"])
