"""An account on the provider's side: a key and the limits of its plan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import attrs

from ..adapters.catalog import shipped_catalog
from ..codec import load
from ..domain.account import Account
from ..domain.argument import typed
from ..domain.check.catalog import Catalog
from ..domain.errors import ConfigError
from ..domain.plan import PlanName


@attrs.frozen(field_transformer=typed)
class EmulatedAccount:
    """A key of the emulator. A limit that is left out is the plan's; the plan is BASIC by default.

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

    def __attrs_post_init__(self) -> None:
        _ = self.account  # its constructor checks the values

    @cached_property
    def account(self) -> Account:
        """The account for a client's settings, so that its books and the tallies agree."""
        return completed(self, shipped_catalog())


def completed(account: Account | EmulatedAccount, catalog: Catalog) -> Account:
    """Return *account* with every limit stated; those left out are its plan's in *catalog*.

    Raises:
        ConfigError: a value is out of its range, or *catalog* lacks the plan.
    """
    name = (account.plan or PlanName.BASIC).upper()
    plan = next((plan for plan in catalog.plans if plan.name == name), None)
    if plan is None and name in PlanName.__members__:
        hint = f"choose one of {', '.join(catalog.plan_by_name)}" if catalog.plans else "it has no plans"
        raise ConfigError(f"the account {account.id!r} is on the plan {name}, which the catalog lacks; {hint}")
    stated = attrs.asdict(account, filter=lambda _, value: value is not None)
    return Account(**{**(attrs.asdict(plan.calls) if plan else {}), **stated, "plan": name})


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


def refuse_duplicates(accounts: Sequence[EmulatedAccount | Account], *, where: str) -> None:
    """Check that no two accounts have the same id or key.

    Raises:
        ConfigError: two have.
    """
    for name, values in (("id", [a.id for a in accounts]), ("apiKey", [a.api_key for a in accounts])):
        if len(set(values)) < len(values):
            raise ConfigError(f"{where}: two accounts have the same {name}; each needs its own")
