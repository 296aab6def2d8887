"""A CHART-IMG of the test's own, with defaults that suit a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.errors import missing_extra
from .clock import VirtualClock

if TYPE_CHECKING:
    from ..domain.account import Account
    from ..domain.check.catalog import Catalog
    from ..emulator.accounts import EmulatedAccount
    from ..emulator.scenario import Rule
    from ..emulator.sessions import EmulatedSession
    from .emulated import Emulator


def emulator(
    *accounts: EmulatedAccount | Account,
    rules: Sequence[Rule] = (),
    clock: VirtualClock | None = None,
    port: int = 0,
    catalog: Catalog | None = None,
    sessions: Sequence[EmulatedSession] | None = None,
) -> Emulator:
    """Return an emulator of CHART-IMG that listens on loopback while its ``with`` block runs.

    Args:
        accounts: the keys it knows, as the emulator's accounts or as a client's; by default ``demo`` on the plan PRO.
        rules: faults, and how long answers take.
        clock: the clock of the emulator and of the clients that :meth:`Emulator.client` makes; by default the machine's.
        port: the port to listen on; 0 takes a free one.
        catalog: the provider's rules for a chart, and its plans; by default the shipped ones.
        sessions: the TradingView sessions it knows; by default ``demo-session``, signed ``demo-sign``.

    Raises:
        ConfigError: the extra ``emulator`` is not installed, the accounts or the rules can't be used, or the catalog
            lacks the plan of an account.
    """
    try:
        from .emulated import Emulator
    except ModuleNotFoundError:
        raise missing_extra("the emulator", "emulator") from None
    return Emulator(*accounts, rules=rules, clock=clock, port=port, catalog=catalog, sessions=sessions)
