"""The stores of the settings, opened by their addresses: account books, pictures and refusals; where they lie by default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..adapters.memory import MemoryAccountStore
from ..domain.errors import STORES, ConfigError
from ..domain.ports import AccountStore, PictureCache
from ..domain.refusal import Refusal, merged
from .config import WorkerConfig

if TYPE_CHECKING:
    from ..adapters.refusals import RefusalFile

__all__ = ["account_schema", "list_refusals", "open_cache", "open_refusals", "open_store"]

_CACHE_PLACE: Final = "the cache of pictures has", "CHARTS_CACHE to a folder or to off"
_CACHE_SECONDS: Final = 1.0  # for each answer of a server; a fetch goes on without it


def open_cache(place: str | None, max_bytes: int) -> PictureCache:
    """Open the cache of pictures at *place*; by default a folder in the user's cache folder.

    Raises:
        ConfigError: the address is wrong, or the user's home folder, and so the default, can't be found.
    """
    from ..adapters.cache import FolderPictureCache, MemoryPictureCache

    if place == "memory://":
        return MemoryPictureCache(max_bytes)
    if place is not None and "://" in place:
        from ..adapters.cache import RedisPictureCache

        return RedisPictureCache(place, max_bytes, timeout=_CACHE_SECONDS)
    return FolderPictureCache(_cache_folder() if place is None else _at_home(place, *_CACHE_PLACE), max_bytes)


def _cache_folder() -> Path:
    """Return the folder of kept pictures if the settings name none."""
    import platformdirs

    if not os.environ.get("XDG_CACHE_HOME"):
        _at_home("~/pictures", *_CACHE_PLACE)
    return _at_home(str("~" / platformdirs.user_cache_path("chartimg") / "pictures"), *_CACHE_PLACE)


def open_store(url: str | None) -> AccountStore:
    """Open the account store with the address *url*; by default a file in the user's state folder.

    Raises:
        ConfigError: the user's home folder, and so the file, can't be found.
    """
    if url == "memory://":
        return MemoryAccountStore()
    if url is not None and url.startswith("postgres"):
        from ..adapters.postgresql import PostgresqlAccountStore

        return PostgresqlAccountStore(url)
    if url is not None and not url.startswith("sqlite:///"):
        from ..adapters.redis import RedisAccountStore

        return RedisAccountStore(url)
    from ..adapters.sqlite import SqliteAccountStore

    return SqliteAccountStore(_books_file(url))


def open_refusals(url: str | None) -> RefusalFile | None:
    """Return the file of refusals beside the account books at *url*; None if these are not in a file.

    Raises:
        ConfigError: the user's home folder, and so the file, can't be found.
    """
    from ..adapters.refusals import RefusalFile

    if url is not None and not url.startswith("sqlite:///"):
        return None
    books = _books_file(url)
    return RefusalFile(books.with_name(f"{books.stem}.refused.jsonl"))


def list_refusals(config: WorkerConfig) -> tuple[Refusal, ...]:
    """Return the known refusals, from the newest to the oldest: those of calls beside the account books, and those of fixtures.

    Equal ones are one. It has the body of the call, and the file of the fixture.

    Raises:
        ConfigError: a file or a folder of them can't be read.
    """
    from ..adapters.fixture.refusals import recorded_refusals

    opened = open_refusals(config.account_store)
    return merged(() if opened is None else opened.read(), recorded_refusals(config.fixtures_dir))


def account_schema() -> str:
    """Return the SQL that creates the table of a store in PostgreSQL."""
    from ..adapters.postgresql import schema

    return schema()


def _books_file(url: str | None) -> Path:
    """Return the path of books in a file."""
    return _state_file() if url is None else _at_home(url.removeprefix("sqlite:///"))


def _state_file() -> Path:
    """Return the path of the books if the settings name none."""
    import platformdirs

    if not os.environ.get("XDG_STATE_HOME"):
        _at_home("~/accounts.sqlite3")  # without a home platformdirs guesses or raises, by its version
    # A relative folder would be another one in each working directory.
    return _at_home(str("~" / platformdirs.user_state_path("chartimg") / "accounts.sqlite3"))


def _at_home(
    path: str, noun: str = "the account books have", setting: str = f"CHARTS_ACCOUNT_STORE to {STORES}"
) -> Path:
    """Return *path* with the user's home folder in place of a ``~``; the others are parts of a message."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 (a user without a home keeps the ~)
    home, user = os.environ.get("HOME"), path.partition("/")[0][1:]
    if not path.startswith("~") or (Path(expanded).is_absolute() and (user or home != "")):
        return Path(expanded)
    if user:
        reason = f"there is no user {user}"
    elif home:
        reason = "HOME is not an absolute path"
    else:
        reason = "the home folder is unknown (HOME is not set, and the user is not in the password file)"
    raise ConfigError(f"{noun} no place at {path}, since {reason}; set HOME, or set {setting}")
