"""An account on the provider's side: a key and the limits of its plan."""

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
    """A key of the emulator. A limit that is left out is the plan's; the plan is BASIC by default.

    By itself an account reads the shipped plans; :meth:`under` reads those of an emulator's catalog.

    Attributes:
        id: the name in the tallies.
        api_key: the key; never shown.
        daily_limit: units a UTC day.
        plan: BASIC, PRO, MEGA, ULTRA or ENTERPRISE.
        requests_per_second: tokens a second that fill the bucket.
        burst: the number of tokens that the bucket holds.

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
        """Return the account of a client, with the limits that the client knows."""
        limits = (account.daily_limit, account.plan, account.requests_per_second, account.burst)
        return cls(account.id, account.api_key, *limits)

    def __attrs_post_init__(self) -> None:
        _ = self.account  # its constructor checks the values

    @cached_property
    def account(self) -> Account:
        """The account for a client's settings, so that its books and the tallies agree."""
        name = (self.plan or PlanName.BASIC).upper()
        plans = shipped_catalog().plan_by_name
        return self._completed(plans[PlanName(name) if name in PlanName.__members__ else PlanName.BASIC].calls)

    @cached_property
    def calls(self) -> CallLimits:
        """The limits of its calls."""
        account = self.account
        return CallLimits(account.requests_per_second, account.burst, account.daily_limit)

    @cached_property
    def plan_name(self) -> PlanName:
        """The account's plan."""
        return PlanName(str(self.account.plan))

    def under(self, catalog: Catalog) -> EmulatedAccount:
        """Return the same account with every limit stated; those left out are the plan's in *catalog*.

        Raises:
            ConfigError: *catalog* lacks its plan, or the plan gives a limit that is out of its range.
        """
        plan = catalog.plan_by_name.get(self.plan_name)
        if plan is None:
            hint = f"choose one of {', '.join(catalog.plan_by_name)}" if catalog.plans else "it has no plans"
            raise ConfigError(
                f"the account {self.id!r} is on the plan {self.plan_name}, which the catalog lacks; {hint}"
            )
        return EmulatedAccount.of(self._completed(plan.calls))

    def _completed(self, limits: CallLimits) -> Account:
        """Return the client's account, with *limits* for those left out."""
        return Account(
            self.id,
            self.api_key,
            limits.daily_limit if self.daily_limit is None else self.daily_limit,
            self.plan or PlanName.BASIC,
            limits.requests_per_second if self.requests_per_second is None else self.requests_per_second,
            limits.burst if self.burst is None else self.burst,
        )


DEMO: Final = EmulatedAccount("demo", "demo-key", plan=PlanName.PRO)
"""The default account. Its key is not a secret."""


def read_accounts(text: str, *, where: str) -> tuple[EmulatedAccount, ...]:
    """Return the accounts of a JSON text like that of ``CHART_IMG_ACCOUNTS_JSON``.

    Raises:
        ConfigError: one line for each mistake, never a key.
    """
    accounts = load(text, tuple[EmulatedAccount, ...], where=where)
    if not accounts:
        raise ConfigError(f"{where}: there is no account; add one")
    refuse_duplicates(accounts, where=where)
    return accounts


def refuse_duplicates(accounts: Sequence[EmulatedAccount], *, where: str) -> None:
    """Check that no two accounts have the same id or key.

    Raises:
        ConfigError: two have.
    """
    for name, values in (("id", [a.id for a in accounts]), ("apiKey", [a.api_key for a in accounts])):
        if len(set(values)) < len(values):
            raise ConfigError(f"{where}: two accounts have the same {name}; each needs its own")
