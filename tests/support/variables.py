"""The settings of a worker, as environment variables."""

from __future__ import annotations

from chartimg import Account
from chartimg.codec import dump


def accounts_json(*accounts: Account) -> str:
    """Return the value of CHART_IMG_ACCOUNTS_JSON for *accounts*."""
    return dump(accounts)


def calling(url: str, *accounts: Account, **more: str) -> dict[str, str]:
    """Return settings that call *url* with *accounts*, and keep the books in memory; *more* are further variables."""
    return {
        "CHARTS_API_BASE_URL": url,
        "CHARTS_ACCOUNT_STORE": "memory://",
        "CHART_IMG_ACCOUNTS_JSON": accounts_json(*accounts),
        **more,
    }
