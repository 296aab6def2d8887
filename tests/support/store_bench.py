"""A client over a scripted transport whose books are in a store under test."""

from __future__ import annotations

from chartimg import Account, AccountPool, ChartClient, ChartRequest, StoreUnavailable
from chartimg.domain.ports import AccountStore
from chartimg.domain.reply import Reply
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture
from samples import NOON

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small")
ACCOUNT = Account("a", "canary-key", daily_limit=10, requests_per_second=1e5, burst=100)
PNG = picture()


class StoreBench:
    """A client of one account over *store*, with pictures for 99 calls."""

    def __init__(self, store: AccountStore) -> None:
        """Make the client, with its events and its clock."""
        self.events, self.clock, self.store = EventLog(), VirtualClock(NOON), store
        self.pool = AccountPool([ACCOUNT], store, self.clock, listener=self.events)
        self.transport = ScriptedTransport([Reply(200, body=PNG)] * 99)
        self.client = ChartClient(transport=self.transport, accounts=self.pool, clock=self.clock, listener=self.events)

    def fetch(self) -> bool:
        """Fetch a chart; return False if no claim could be taken."""
        try:
            return self.client.fetch(REQUEST).ok
        except StoreUnavailable:
            return False

    @property
    def calls(self) -> int:
        """Number of calls made."""
        return len(self.transport.calls)

    @property
    def used(self) -> int:
        """Units that the books count as taken."""
        return self.pool.status()[0].used

    def close(self) -> None:
        """Close the store."""
        self.store.close()
