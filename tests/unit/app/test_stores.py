"""The stores of the settings: what an address opens, and where they lie by default."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chartimg import Account, ConfigError, WorkerConfig
from chartimg.app.bootstrap import open_pool
from chartimg.app.stores import open_store
from variables import accounts_json


def settings(**variables: str) -> WorkerConfig:
    """Read settings with one account and *variables*."""
    account = Account("a", "canary-key-7f3a9", daily_limit=2)
    return WorkerConfig.from_env({"CHART_IMG_ACCOUNTS_JSON": accounts_json(account), **variables})


def test_the_memory_store_ends_with_the_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """memory:// leaves no file, and two pools of the same settings share nothing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    config = settings(CHARTS_ACCOUNT_STORE="memory://")
    first, second = open_pool(config), open_pool(config)
    first.mark_account_exhausted("a")

    assert [0] == [status.used for status in second.status()]
    assert [] == list(tmp_path.iterdir())


def test_the_default_store_is_a_private_file_in_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default the books are in one private file in the user's state folder, where the next pool finds them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    first = open_pool(settings())
    first.mark_account_exhausted("a")
    first.close()
    second = open_pool(settings())
    used = [status.used for status in second.status()]
    second.close()

    assert [2] == used
    assert 0o600 == stat.S_IMODE((tmp_path / "chartimg" / "accounts.sqlite3").stat().st_mode)


def test_a_store_may_be_named_from_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde in sqlite:///~/path is the user's home, and missing folders are made."""
    monkeypatch.setenv("HOME", str(tmp_path))
    pool = open_pool(settings(CHARTS_ACCOUNT_STORE="sqlite:///~/deep/books.sqlite3"))
    pool.status()
    pool.close()

    assert (tmp_path / "deep" / "books.sqlite3").is_file()


@pytest.mark.parametrize("default", ["~/.local/state/chartimg", RuntimeError("no home"), KeyError("no uid")])
@pytest.mark.parametrize("store", [None, "sqlite:///~/books.sqlite3"])
def test_without_a_home_the_books_are_a_config_error(
    store: str | None, default: str | Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without HOME and an entry in the password file, any platformdirs leads to one line and to no folder named ~."""

    def unknown(_: object) -> None:
        raise KeyError

    def state_path(_: str) -> Path:
        if isinstance(default, Exception):
            raise default
        return Path(default)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("platformdirs.user_state_path", state_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="set CHARTS_ACCOUNT_STORE to sqlite:///path, redis://") as failure:
        open_store(store)

    assert 1 == len(failure.value.problems)
    assert [] == list(tmp_path.iterdir())
