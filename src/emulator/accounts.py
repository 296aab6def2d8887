"""The provider's side of an account: its key, and what its plan allows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import attrs

from ..adapters.catalog import shipped_catalog
from ..codec import load
from ..domain.account import Account
from ..domain.check.catalog import Catalog
from ..domain.errors import ConfigError
from ..domain.plan import CallLimits, PlanName

__all__ = ["DEMO", "EmulatedAccount", "read_accounts"]


@attrs.frozen
class EmulatedAccount:
    """One key the emulator knows. What is not stated is what the plan allows, and without a plan what BASIC does.

    By itself it goes by the plans that ship; an emulator has it go by those of its own catalog (:meth:`under`).

    Attributes:
        id: the name it has in the ledger.
        api_key: the key; never shown.
        daily_limit: units a UTC day.
        plan: BASIC, PRO, MEGA, ULTRA or ENTERPRISE.
        requests_per_second: the rate at which its bucket fills.
        burst: how many calls its bucket holds.

    Raises:
        ConfigError: a value is out of its range.
    """

    id: str
    api_key: str = attrs.field(repr=False)
    daily_limit: int | None = None
    plan: str | None = None
    requests_per_second: float | None = None
    burst: int | None = None

    @classmethod
    def of(cls, account: Account) -> EmulatedAccount:
        """Know the account of a client, with the limits it believes in."""
        limits = (account.daily_limit, account.plan, account.requests_per_second, account.burst)
        return cls(account.id, account.api_key, *limits)

    def __attrs_post_init__(self) -> None:
        self.account  # noqa: B018 (its constructor knows what is wrong)

    @cached_property
    def account(self) -> Account:
        """What a client writes into its settings, so that its books and the emulator's agree."""
        name = (self.plan or PlanName.BASIC).upper()
        plans = shipped_catalog().plan_by_name
        return self._completed(plans[PlanName(name) if name in PlanName.__members__ else PlanName.BASIC].calls)

    @cached_property
    def calls(self) -> CallLimits:
        """How often it may call."""
        account = self.account
        return CallLimits(account.requests_per_second, account.burst, account.daily_limit)

    @cached_property
    def plan_name(self) -> PlanName:
        """The plan it is on."""
        return PlanName(str(self.account.plan))

    def under(self, catalog: Catalog) -> EmulatedAccount:
        """Give the same account with everything stated: what wasn't is what its plan allows by *catalog*.

        Raises:
            ConfigError: *catalog* lacks its plan, or the two together make a limit that is out of its range.
        """
        plan = catalog.plan_by_name.get(self.plan_name)
        if plan is None:
            there = f"state one of {', '.join(catalog.plan_by_name)}" if catalog.plans else "it has none"
            raise ConfigError(
                f"the account {self.id!r} is on the plan {self.plan_name}, which the catalog lacks; {there}"
            )
        return EmulatedAccount.of(self._completed(plan.calls))

    def _completed(self, limits: CallLimits) -> Account:
        """Put *limits* where none are stated."""
        return Account(
            self.id,
            self.api_key,
            limits.daily_limit if self.daily_limit is None else self.daily_limit,
            self.plan or PlanName.BASIC,
            limits.requests_per_second if self.requests_per_second is None else self.requests_per_second,
            limits.burst if self.burst is None else self.burst,
        )


DEMO: Final = EmulatedAccount("demo", "demo-key", plan=PlanName.PRO)
"""The account of an emulator that is given none. Its key is no secret."""


def read_accounts(text: str, *, where: str) -> tuple[EmulatedAccount, ...]:
    """Read the same JSON as ``CHART_IMG_ACCOUNTS_JSON``.

    Raises:
        ConfigError: with one line for every mistake, never a key.
    """
    accounts = load(text, tuple[EmulatedAccount, ...], where=where)
    if not accounts:
        raise ConfigError(f"{where} holds no account")
    refuse_duplicates(accounts, where=where)
    return accounts


def refuse_duplicates(accounts: Sequence[EmulatedAccount], *, where: str) -> None:
    """Make sure that ids and keys tell accounts apart.

    Raises:
        ConfigError: they don't.
    """
    for name, values in (("id", [a.id for a in accounts]), ("apiKey", [a.api_key for a in accounts])):
        if len(set(values)) < len(values):
            raise ConfigError(f"{where}: two accounts have the same {name}; each needs its own")
