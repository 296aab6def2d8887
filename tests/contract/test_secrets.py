"""A key is posted in one header, and is in no repr, log, traceback, file or error."""

from __future__ import annotations

import copy
import json
import logging
import struct
import subprocess
import sys
import traceback
import zlib
from pathlib import Path

import pytest

import chartimg
from chartimg import Account, ChartClient, ConfigError, RetryPolicy, WorkerConfig
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.recording import RecordingTransport
from chartimg.app.bootstrap import open_pool
from chartimg.domain.account import ledger
from chartimg.testing import VirtualClock, picture
from command import environment, eventually, run, start_anew
from loopback import Exchange, LoopbackServer, answer, raw, serving, stall
from rows import for_each
from samples import REQUEST
from variables import calling

CANARY = "canary-key-7f3a9/+x"
PNG = picture(8, 6)
GRID = (
    "--symbols",
    "A:A,B:B,C:C",
    "--timeframes",
    "1h",
    "--templates",
    "price_psar_adi_v1",
    "--out",
    "out",
    "--jobs",
    "1",
)


def error_body(text: str) -> bytes:
    """Return an error body that repeats *text*."""
    return json.dumps({"message": f"Bad key {text}", "errors": [{"msg": text, "value": {"x-api-key": text}}]}).encode()


def unreadable(text: str) -> str:
    """Return *text* with every character escaped, as JSON allows."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


def echoes(secret: str) -> dict[str, Exchange]:
    """Return the replies that repeat *secret*, each in another place."""
    return {
        "422 in body and headers": answer(422, error_body(secret), content_type=f"application/{secret}", x_echo=secret),
        "422 in plain text": answer(422, b"<h1>" + secret.encode() + b"</h1>", content_type="text/html"),
        "422 with slashes escaped": answer(
            422, error_body("SLOT").replace(b"SLOT", secret.replace("/", "\\/").encode())
        ),
        "422 with all escaped": answer(422, error_body("SLOT").replace(b"SLOT", unreadable(secret).encode())),
        "422 behind a PNG signature": answer(422, b"\x89PNG\r\n\x1a\n" + secret.encode(), content_type=secret),
        "403 of the account": answer(403, b'{"message":"Forbidden"}', x_echo=secret, x_amzn_errortype=secret),
        "403 of the request": answer(403, error_body(secret)),
        "429 of the day": answer(429, error_body(secret + " limit exceeded"), retry_after=secret),
        "429 of the moment": answer(429, error_body(secret + " throttled, slow down"), x_amzn_errortype=secret),
        "500": answer(500, error_body(secret), x_echo=secret),
        "200 without a picture": answer(200, error_body(secret), content_type=secret),
        "a redirect": answer(302, error_body(secret), location=f"http://127.0.0.1:1/?key={secret}"),
        "a malformed header": raw(
            b"HTTP/1.1 422 Bad\r\ncontent-length: 2\r\n"
            + secret.encode()
            + b"\r\nx-echo "
            + secret.encode()
            + b"\r\n\r\n{}"
        ),
        "a malformed status line": raw(b"HTTP/9 " + secret.encode() + b"\r\n\r\n", keep=False),
        "a reason phrase": raw(b"HTTP/1.1 500 " + secret.encode() + b"\r\ncontent-length: 0\r\n\r\n"),
        "a malformed length": raw(b"HTTP/1.1 500 X\r\ncontent-length: " + secret.encode() + b"\r\n\r\n", keep=False),
        "a malformed chunk": raw(
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n" + secret.encode() + b"\r\n", keep=False
        ),
    }


SESSION, SIGN = "canary-session-5c1/+x", "canary-sign-77b/+x"
SECRETS = {CANARY: b"canary-key", SESSION: b"canary-session", SIGN: b"canary-sign"}
"""The secrets of a host, each with its beginning."""
ECHOES = {secret: echoes(secret) for secret in SECRETS}


def heard(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that was logged, with all fields and tracebacks of the records."""
    return caplog.text + "".join(f"{record.__dict__!r}\n" for record in caplog.records)


@pytest.fixture(autouse=True)
def _hear_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def settings(server: LoopbackServer, folder: Path, mode: str) -> dict[str, str]:
    """Write settings with one account and its books in a file."""
    return calling(
        server.url,
        Account("a", CANARY, burst=9),
        CHARTS_API_MODE=mode,
        CHARTS_FIXTURES_DIR=str(folder / "fixtures"),
        CHARTS_ACCOUNT_STORE=f"sqlite:///{folder}/books.sqlite3",
        CHARTS_TRADINGVIEW_SESSION_JSON=json.dumps({"sessionId": SESSION, "sessionIdSign": SIGN}),
    )


def shown(text: str | bytes) -> bool:
    """Return whether the key is in *text*, plain or as JSON and Python may spell it."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return any(each in data for secret, head in SECRETS.items() for each in (head, unreadable(secret).encode()))


def files_with_the_key(folder: Path) -> list[str]:
    """Return the files under *folder* with the key in their content or name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if shown(path.read_bytes()) or shown(str(path))]


@pytest.mark.parametrize(("secret", "mode"), [(CANARY, "real"), (CANARY, "record"), (SESSION, "record")])
@pytest.mark.parametrize("echo", ECHOES[CANARY])
def test_a_secret_that_the_provider_repeats_is_shown_nowhere(
    echo: str, secret: str, mode: str, server: LoopbackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A key, or a session, that the provider repeats in any form is in no result, exception, log, book or fixture."""
    server.otherwise = ECHOES[secret][echo]
    config = WorkerConfig.from_env(settings(server, tmp_path, mode))
    with ChartClient(config, policy=RetryPolicy(max_attempts=2), clock=VirtualClock()) as client:
        result = client.fetch(REQUEST)
        again = client.fetch(REQUEST)
        assert CANARY in str(server.keys)
        assert result.error is not None
        exceptions = []
        for each in (result, again):
            with pytest.raises(chartimg.ChartUnavailable) as caught:
                each.unwrap()
            exceptions += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
        values = [repr(result), str(result), repr(again), repr(result.error), repr(result.error.details), *exceptions]
        on_disk = files_with_the_key(tmp_path)

    assert [] == [value for value in values if shown(value)]
    assert [] == on_disk
    assert (tmp_path / "books.sqlite3").stat().st_size
    assert not shown(heard(caplog))
    assert "chart_api_call_finished" in heard(caplog)


@pytest.mark.parametrize("mode", ["real", "record"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_picture_that_holds_a_key_or_a_session_is_returned_and_kept_nowhere(
    secret: str, mode: str, server: LoopbackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a picture is paid for, so the host gets it, with a warning; neither the cache nor a fixture does."""
    text = b"tEXt" + secret.encode()
    png = PNG[:-12] + struct.pack(">I", len(secret)) + text + struct.pack(">I", zlib.crc32(text)) + PNG[-12:]
    server.otherwise = answer(200, png)
    config = WorkerConfig.from_env({**settings(server, tmp_path, mode), "CHARTS_CACHE": str(tmp_path / "pictures")})
    with ChartClient(config, clock=VirtualClock(), fresh=3600) as client:
        results = [client.fetch(REQUEST) for _ in range(2)]

    assert [png] * 2 == [each.png_bytes for each in results]
    assert [1] * 2 == [len(each.attempts) for each in results]
    assert all("holds a key or a session" in str(each.warnings) for each in results)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert secret not in heard(caplog) + repr(results)


def test_mock_mode_has_no_key_to_show(server: LoopbackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In mock mode the key is in no result, log or file, and no call carries it."""
    config = WorkerConfig.from_env(settings(server, tmp_path, "mock"))
    with ChartClient(config) as client:
        result = client.fetch(REQUEST)

    assert not shown(repr(config) + repr(result) + heard(caplog))
    assert [] == server.requests
    assert [] == files_with_the_key(tmp_path)


def test_a_failure_that_no_reply_explains_shows_no_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A refused connection, and a bug in a listener with its traceback, are logged without the key."""

    class Broken:
        """A listener that fails."""

        def notify(self, event: object) -> None:
            """Fail."""
            raise RuntimeError("broken")

    with serving() as gone:
        environ = settings(gone, tmp_path, "real")
    with ChartClient(WorkerConfig.from_env(environ), clock=VirtualClock(), listener=Broken()) as client:
        result = client.fetch(REQUEST)

    assert result.error is not None
    assert not shown(repr(result))
    assert "broken" in heard(caplog)
    assert not shown(heard(caplog))


def test_no_public_object_shows_the_key(server: LoopbackServer, tmp_path: Path) -> None:
    """The repr, str and format of objects that hold the key, or were made from it, do not show it."""
    clock = VirtualClock()
    account = chartimg.Account("a", CANARY)
    config = WorkerConfig.from_env(settings(server, tmp_path, "record"))
    pool = open_pool(config, clock=clock)
    http = Urllib3Transport(server.url)
    snapshot = ledger.fresh(account, clock.now())
    client = ChartClient(config)
    objects: list[object] = [
        account,
        [account],
        copy.copy(account),
        config,
        pool,
        pool.accounts,
        pool.status(),
        pool.claim(),
        chartimg.AccountPool([account], MemoryAccountStore(), clock),
        http,
        RecordingTransport(http, tmp_path / "fixtures"),
        snapshot,
        ledger.grant(snapshot, account, clock.now()),
        client,
        REQUEST,
        account.key_digest,
    ]
    texts = [render(each) for each in objects for render in (repr, str, "{}".format)]
    pool.close()
    client.close()
    http.close()

    assert [] == [text for text in texts if shown(text)]
    with pytest.raises(ConfigError) as caught:
        chartimg.Account("a", f"{CANARY} ", burst=0)
    assert not shown("".join(traceback.format_exception(caught.value)))


MALFORMED = {
    "cut off": f'[{{"id": "a", "apiKey": "{CANARY}"',
    "no JSON": f"a={CANARY}",
    "text": f'"{CANARY}"',
    "an object": f'{{"a": "{CANARY}"}}',
    "key as the name": f'{{"{CANARY}": "a"}}',
    "an array of keys": f'["{CANARY}"]',
    "an object too deep": f'[[{{"id": "a", "apiKey": "{CANARY}"}}]]',
    "a key in an array": f'[{{"id": "a", "apiKey": ["{CANARY}"]}}]',
    "a key with a space": f'[{{"id": "a", "apiKey": " {CANARY}"}}]',
    "a key with a line break": f'[{{"id": "a", "apiKey": "{CANARY}\\n"}}]',
    "another mistake beside it": f'[{{"id": "a", "apiKey": "{CANARY}", "burst": 0, "dailyLimit": "x"}}]',
    "no id": f'[{{"apiKey": "{CANARY}"}}]',
    "equal keys": f'[{{"id": "a", "apiKey": "{CANARY}"}}, {{"id": "b", "apiKey": "{CANARY}"}}]',
    "key as a number's value": f'[{{"id": "a", "apiKey": "x", "dailyLimit": "{CANARY}"}}]',
    "key under another name": f'[{{"id": "a", "api_key": "{CANARY}"}}]',
    "key as the plan": f'[{{"id": "a", "apiKey": "x", "plan": "{CANARY}"}}]',
    "key as a field's name": f'[{{"id": "a", "{CANARY}": "apiKey"}}]',
    "key as the id": f'[{{"id": "{CANARY}", "apiKey": ""}}]',
    "key as the id of two accounts": f'[{{"id": "{CANARY}", "apiKey": "x"}}, {{"id": "{CANARY}", "apiKey": "y"}}]',
}


@for_each("text", MALFORMED.values())
def test_malformed_accounts_are_reported_without_the_key(text: str) -> None:
    """A key in the wrong place of the settings is in neither the error nor its traceback."""
    with pytest.raises(ConfigError) as caught:
        WorkerConfig.from_env({"CHART_IMG_ACCOUNTS_JSON": text})

    text_of_error = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.__dict__)
    assert not shown(text_of_error)


@pytest.mark.parametrize("mode", ["real", "record"])
def test_an_export_leaves_no_key_behind(mode: str, server: LoopbackServer, tmp_path: Path) -> None:
    """The key is not in the outputs, logs, manifest, pictures, fixtures and books of an export."""
    server.script.extend([answer(200, PNG, x_echo=CANARY), ECHOES[CANARY]["422 in body and headers"]])
    server.otherwise = ECHOES[CANARY]["429 of the day"]
    child = run("-v", "export", *GRID, "--json", cwd=tmp_path, **settings(server, tmp_path, mode))

    assert 75 == child.returncode
    assert (1, 2) == tuple(len(json.loads(child.stdout)[name]) for name in ("items", "failures"))
    assert "chart_api_call_finished" in child.stderr
    assert not shown(child.stdout + child.stderr)
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert [] == files_with_the_key(tmp_path)


def test_wrong_settings_leave_no_key_on_the_screen(tmp_path: Path) -> None:
    """The command reports malformed accounts without the key."""
    child = run("accounts", cwd=tmp_path, CHART_IMG_ACCOUNTS_JSON=MALFORMED["another mistake beside it"])

    assert 2 == child.returncode
    assert not shown(child.stdout + child.stderr)


def _arguments() -> dict[int, tuple[int, bytes]]:
    """Return the parent and the command line of every process, as ps shows them."""
    seen = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            seen[int(entry.name)] = parent, (entry / "cmdline").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_shows_the_key_in_its_arguments(server: LoopbackServer, tmp_path: Path) -> None:
    """While an export runs, the key is in no command line of its processes."""
    server.otherwise = stall()
    with start_anew("export", *GRID, cwd=tmp_path, **settings(server, tmp_path, "real")) as child:
        eventually(lambda: bool(server.requests))
        seen = _arguments()
        child.kill()
        child.communicate()
    ours = {child.pid}
    while more := {pid for pid, (parent, _) in seen.items() if parent in ours} - ours:
        ours |= more

    assert b"chartimg" in seen[child.pid][1]
    assert [] == [seen[pid][1] for pid in ours if shown(seen[pid][1])]


def test_a_crash_shows_no_key(server: LoopbackServer, tmp_path: Path) -> None:
    """The traceback of a crash in a call does not show the key."""
    code = (
        "import sys, chartimg\n"
        "class Exploding:\n"
        "    def send(self, request, account, *, timeout=None):\n"
        "        raise MemoryError('in the transport')\n"
        "config = chartimg.WorkerConfig.from_env()\n"
        "chartimg.fetch_with_retries(transport=Exploding(), accounts=config.accounts,\n"
        "    request=chartimg.ChartRequest('A:B', '1h', 't'))\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path / "home", **settings(server, tmp_path, "real")),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "MemoryError: in the transport" in child.stderr
    assert not shown(child.stderr + child.stdout)
