"""The gateway as hosts of other languages meet it: the provider's own answers over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from chartimg import Account, AsyncChartClient, templates
from chartimg.app.config import WorkerConfig
from chartimg.app.gateway.callers import Callers
from chartimg.app.gateway.server import Gateway
from chartimg.app.pool import Pool
from chartimg.emulator import running
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, emulator
from command import eventually
from gateway import Answer, Served, gateway
from places import DOCS, FIXTURES
from rows import for_each

CHART = "/v2/tradingview/advanced-chart"
KEY = "canary-key"
TOKENS = {"node": "canary-token-of-node", "sheet": {"token": "canary-token-of-sheet", "perDay": 2}}
BODY = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "width": 400, "height": 300}


@pytest.fixture
def provider() -> Iterator[Emulator]:
    """Yield a provider with one account."""
    with emulator(EmulatedAccount("main", KEY, 20, "BASIC", 1000.0, 1000)) as running_emulator:
        yield running_emulator


@pytest.fixture
def served(provider: Emulator) -> Iterator[Served]:
    """Yield a gateway to the provider."""
    with gateway(provider.environ) as running_gateway:
        yield running_gateway


def direct(provider: Emulator, body: object) -> Answer:
    """Ask the provider itself."""
    return Served(provider.url).chart(body, token=KEY)


def charged(provider: running.Emulator) -> int:
    """Return the number of calls that the provider has charged."""
    return provider.ledger().accounts["main"].total.charged


def test_a_picture_is_that_of_the_provider(provider: Emulator, served: Served) -> None:
    """The same body gets the same bytes, status and content type as from the provider, with the library's own headers beside."""
    theirs, ours = direct(provider, BODY), served.chart(BODY, token="whatever")

    assert (200, theirs.data) == (ours.status, ours.data)
    assert theirs.headers["content-type"] == ours.headers["content-type"] == "image/png"
    assert ("HTTP", "main", "19") == tuple(
        ours.headers[f"x-chartimg-{name}"] for name in ("source", "account", "units-left")
    )
    assert 12 == len(ours.headers["x-chartimg-fetch-id"])
    assert "age" in ours.headers


def test_a_layout_is_that_of_the_provider(provider: Emulator, served: Served) -> None:
    """A layout gets the provider's picture, with the symbol and the interval of the body, if there is one."""
    path = "/v2/tradingview/layout-chart/abcDEF12"
    theirs = [Served(provider.url).ask("POST", path, body, token=KEY) for body in (None, {"symbol": "BINANCE:SOLUSDT"})]
    ours = [served.ask("POST", path, body, token="any") for body in (None, {"symbol": "BINANCE:SOLUSDT"})]
    wrong = [served.ask("POST", path, body) for body in ({"interval": "9h"}, {"symbol": 1}, b"[]")]
    private = served.ask("POST", "/v2/tradingview/layout-chart/private")

    assert [(200, each.data) for each in theirs] == [(each.status, each.data) for each in ours]
    assert ours[0].data != ours[1].data
    assert [422, 422, 400] == [each.status for each in wrong]
    assert (403, "SESSION_REJECTED") == (private.status, private.headers["x-chartimg-kind"])
    assert 5 == charged(provider)


@pytest.mark.parametrize("path", [f"{CHART}/storage", "/v2/tradingview/layout-chart/storage/abcDEF12"])
def test_a_stored_picture_has_the_address_of_the_provider(provider: Emulator, served: Served, path: str) -> None:
    """A sibling that stores answers an address in the provider's own shape, at which the picture is; each one is a call."""
    theirs, ours = Served(provider.url).ask("POST", path, BODY, token=KEY), served.ask("POST", path, BODY, token="any")
    picture = urllib3.request("GET", ours.json()["url"])
    kept = served.ask("POST", path, BODY, x_chartimg_fresh="candle")
    wrong = served.ask("POST", path, {**BODY, "interval": "9h"})

    assert (200, theirs.headers["content-type"]) == (ours.status, ours.headers["content-type"])
    assert list(theirs.json()) == list(ours.json())
    assert theirs.json()["etag"] == ours.json()["etag"]
    assert len(theirs.json()["expire"]) == len(ours.json()["expire"])
    assert ("HTTP", "19") == (ours.headers["x-chartimg-source"], ours.headers["x-chartimg-units-left"])
    assert b"\x89PNG" == picture.data[:4]
    assert [422, 422] == [kept.status, wrong.status]
    assert 2 == charged(provider)


@for_each(
    ("rule", "status"),
    [
        (Rule(status=422, body={"message": "Invalid Symbol"}), 422),
        (Rule(Fault.SERVER_ERROR), 500),
        (Rule(Fault.UNAVAILABLE), 503),
        (Rule(Fault.TIMEOUT), 504),
        (Rule(Fault.BAD_GATEWAY), 502),
        (Rule(Fault.RESET), 504),
        (Rule(Fault.JSON), 502),
        (Rule(status=404), 404),
    ],
)
def test_an_error_of_the_provider_has_its_status_and_shape(rule: Rule, status: int) -> None:
    """An error that no other account and no wait mends keeps the provider's status, with a message in its shape."""
    with (
        emulator(EmulatedAccount("main", KEY, 20, "BASIC", 1000.0, 1000), rules=[rule]) as provider,
        gateway({**provider.environ, "CHARTS_MAX_ATTEMPTS": "1"}) as served,
    ):
        reply = served.chart(BODY)

    assert status == reply.status
    assert "application/json" == reply.headers["content-type"]
    assert reply.json()["message"]
    assert KEY not in reply.data.decode()


FIELDS = [{"value": 1, "msg": "must be a supported name", "param": "studies[0].name", "location": "body"}]


ERRORS = [
    (422, {"message": "Invalid Symbol"}, "INVALID_REQUEST"),
    (422, FIELDS, "INVALID_REQUEST"),
    (500, {"message": "Something Went Wrong"}, "SERVICE_UNAVAILABLE"),
    (403, {"message": "Layout Forbidden"}, "SESSION_REJECTED"),
    (409, {"message": "Session Disconnected"}, "SESSION_REJECTED"),
    (403, {"message": "Exceed Max Usage Resolution Limit (800x600)"}, "PLAN_LIMIT"),
    (403, {"message": "Forbidden"}, "CREDENTIAL_REJECTED"),
]


def test_an_error_of_the_provider_has_its_body() -> None:
    """A host that compares the words of the provider finds them; the remedy for a session is beside them."""
    rules = [Rule(status=status, body=body, next=1) for status, body, _ in ERRORS]
    with (
        emulator(EmulatedAccount("main", KEY, 20, "PRO", 1000.0, 1000), rules=rules) as provider,
        gateway({**provider.environ, "CHARTS_MAX_ATTEMPTS": "1"}) as served,
    ):
        replies = [served.chart({**BODY, "width": 401 + number}) for number in range(len(ERRORS))]
    answers = [reply.json() for reply in replies]
    remedies = [isinstance(each, dict) and "remedy" in each and bool(each.pop("remedy")) for each in answers]

    assert ERRORS == [
        (reply.status, answer, reply.headers["x-chartimg-kind"]) for reply, answer in zip(replies, answers, strict=True)
    ]
    assert [kind == "SESSION_REJECTED" for *_, kind in ERRORS] == remedies


def test_without_an_account_that_may_be_called_the_answer_is_a_503() -> None:
    """When all accounts are suspended, which no time mends, the answer is no 429; it says so without a key or a call."""
    with (
        emulator(
            EmulatedAccount("main", KEY, 20, "BASIC"), rules=[Rule(status=403, body={"message": "Forbidden"})]
        ) as provider,
        gateway(provider.environ) as served,
    ):
        refused, reply = served.chart(BODY), served.chart({**BODY, "width": 401})
        calls = charged(provider)

    assert (403, "CREDENTIAL_REJECTED", 1) == (refused.status, refused.headers["x-chartimg-kind"], calls)
    assert (503, "NO_ACCOUNT", None) == (
        reply.status,
        reply.headers["x-chartimg-kind"],
        reply.headers.get("retry-after"),
    )
    assert "suspended" in reply.json()["message"]
    assert KEY not in reply.data.decode()


def test_a_wrong_body_is_a_422_with_all_findings_and_costs_nothing(provider: Emulator, served: Served) -> None:
    """A body with several mistakes is answered with all of them in the provider's shape, without a call."""
    reply = served.chart({**BODY, "interval": "9h", "theme": "drak"})
    findings = reply.json()

    assert 422 == reply.status
    assert {"interval", "theme"} == {each["param"] for each in findings}
    assert all({"msg", "param", "location"} <= each.keys() for each in findings)
    assert 0 == charged(provider)


@pytest.mark.parametrize("body", [b'{"symbol":', b"[1]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_a_400(provider: Emulator, served: Served, body: bytes) -> None:
    """A body that is not a JSON object is a 400 in the provider's shape, without a call."""
    reply = served.chart(body)

    assert (400, {"message": "the body must be a JSON object"}) == (reply.status, reply.json())
    assert 0 == charged(provider)


def test_without_a_unit_left_the_answer_is_the_providers_429(provider: Emulator, served: Served) -> None:
    """When the day of all accounts is spent, the answer is 429 Limit Exceeded with the seconds to the next day."""
    for _ in range(20):
        assert 200 == served.chart(BODY).status
    reply = served.chart(BODY)
    midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    to_midnight = (midnight - datetime.now(UTC)).total_seconds()

    assert (429, {"message": "Limit Exceeded"}) == (reply.status, reply.json())
    assert abs(int(reply.headers["retry-after"]) - to_midnight) < 60
    assert 20 == charged(provider)


def test_a_chart_has_an_address_for_pages_and_messengers(served: Served) -> None:
    """A GET draws the template, and whoever has the picture gets 304 without it."""
    path = "/charts/BINANCE:BTCUSDT/1h/price_psar_adi_v1.png"
    first = served.ask("GET", path)
    again = served.ask("GET", path, if_none_match=f'"other", {first.headers["etag"]}')
    misspelt = served.ask("GET", "/charts/BTCUSDT/1h/price_psr_adi_v1.png")

    assert (200, "image/png", b"\x89PNG") == (first.status, first.headers["content-type"], first.data[:4])
    assert (304, b"") == (again.status, again.data)
    assert 404 == misspelt.status
    assert "did you mean price_psar_adi_v1?" in misspelt.json()["message"]


def test_a_kept_picture_that_is_fresh_costs_no_call(provider: Emulator, served: Served) -> None:
    """A caller that takes a kept picture gets it without a call; a wish that can't be read is refused."""
    path = "/charts/BINANCE:BTCUSDT/1D/price_psar_adi_v1.png"
    first, again = (served.ask("GET", f"{path}?fresh=3600") for _ in range(2))
    body = templates()["price_psar_adi_v1"].request("BINANCE:BTCUSDT", "1D").body
    posted = served.ask("POST", CHART, body, x_chartimg_fresh="3600")
    wrong = served.ask("GET", f"{path}?fresh=soon")

    assert ["HTTP", "CACHE", "CACHE"] == [each.headers["x-chartimg-source"] for each in (first, again, posted)]
    assert first.data == again.data == posted.data
    assert 422 == wrong.status
    assert 1 == charged(provider)


def test_what_is_recorded_behind_a_gateway_is_replayed_without_a_unit(provider: Emulator, tmp_path: Path) -> None:
    """Each path answers from the fixtures that the same request has recorded; in mock mode no provider is needed."""
    fixtures = {"CHARTS_FIXTURES_DIR": str(tmp_path / "advanced-chart-v2")}
    layout = "/v2/tradingview/layout-chart"
    paths = [("POST", CHART), ("POST", f"{CHART}/storage"), ("POST", f"{layout}/a1"), ("POST", f"{layout}/storage/a1")]
    paths.append(("GET", "/charts/BINANCE:BTCUSDT/1h/price_psar_adi_v1.png"))

    def answers(served: Served) -> tuple[list[tuple[int, bytes]], list[str]]:
        """Ask for each path, and return the answers and where they came from."""
        replies = [served.ask(method, path, BODY if method == "POST" else None) for method, path in paths]
        return [(each.status, each.data) for each in replies], [each.headers["x-chartimg-source"] for each in replies]

    with gateway({**provider.environ, **fixtures, "CHARTS_API_MODE": "record"}) as recording:
        made, calls = answers(recording), charged(provider)
        again = answers(recording)
    with gateway({**fixtures, "CHARTS_API_MODE": "mock"}) as mocked:
        replayed = answers(mocked)

    assert ({200}, ["HTTP"] * 5, 5) == ({status for status, _ in made[0]}, made[1], calls)
    assert (made[0], ["FIXTURE"] * 5) == again == replayed
    assert 5 == charged(provider)


def test_an_unknown_route_is_the_providers_404(served: Served) -> None:
    """Each unknown path or method is the provider's own 404."""
    layouts = "/v2/tradingview/layout-chart/"
    wrong = [("GET", CHART), ("POST", "/v2/other"), ("POST", layouts), ("GET", "/"), ("GET", "/accounts/")]
    replies = [served.ask(method, path) for method, path in (*wrong, ("PUT", "/accounts"))]

    assert [(404, {"message": "Route not found."})] * 6 == [(each.status, each.json()) for each in replies]


def test_the_books_are_shown_without_a_key(served: Served) -> None:
    """The accounts show their units, and neither they nor the health show a key."""
    served.chart(BODY)
    books, health = served.ask("GET", "/accounts"), served.ask("GET", "/healthz")
    (account,) = books.json()["accounts"]

    assert ("main", 1, 19) == (account["accountId"], account["used"], account["left"])
    assert {"status": "ok", "mode": "real"} == health.json()
    assert KEY not in books.data.decode() + health.data.decode()


def test_only_known_tokens_may_ask_and_each_has_its_day(provider: Emulator, tmp_path: Path) -> None:
    """Without a known token every path but the health is Forbidden; a caller's day is shared by two gateways."""
    environ = {
        **provider.environ,
        "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books.sqlite3",
        "CHARTS_GATEWAY_TOKENS": json.dumps(TOKENS),
    }
    with gateway(environ) as one, gateway(environ) as other:
        wrong = [one.chart(BODY), one.chart(BODY, token="canary-token-of-nobody"), one.ask("GET", "/accounts")]
        refused = one.chart({**BODY, "interval": "9h"}, token="canary-token-of-sheet")
        days = [each.chart(BODY, token="canary-token-of-sheet") for each in (one, other, one)]
        free = other.chart(BODY, token="canary-token-of-node")
        health = one.ask("GET", "/healthz")

    assert [(403, {"message": "Forbidden"})] * 3 == [(each.status, each.json()) for each in wrong]
    assert 422 == refused.status  # it cost no call, so no unit of the day
    assert [200, 200, 429] == [each.status for each in days]
    assert {"message": "Limit Exceeded"} == days[-1].json()
    assert 0 < int(days[-1].headers["retry-after"]) <= 86_400
    assert (200, 200) == (free.status, health.status)
    assert 3 == charged(provider)


def test_a_page_of_another_site_spends_no_unit(provider: Emulator, served: Served) -> None:
    """A picture in a page of another site is refused on loopback, where no token guards the units."""
    reply = served.ask("GET", "/charts/BTCUSDT/1h/price_psar_adi_v1.png", sec_fetch_site="cross-site")

    assert (403, 0) == (reply.status, charged(provider))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8765", "localhost.evil.example.", "[bad"])
def test_a_name_that_a_stranger_may_own_spends_no_unit(provider: Emulator, served: Served, host: str) -> None:
    """A page whose own name is bound to loopback is refused, as a page of another site is."""
    reply = served.ask("POST", CHART, BODY, host=host)

    assert (403, 0) == (reply.status, charged(provider))


def test_a_head_costs_no_unit(provider: Emulator, served: Served) -> None:
    """A HEAD of a chart says that it is a picture, or that its template is unknown, without a call."""
    there = served.ask("HEAD", "/charts/BTCUSDT/1h/price_psar_adi_v1.png")
    missing = served.ask("HEAD", "/charts/BTCUSDT/1h/other.png")

    assert (200, "image/png", 404) == (there.status, there.headers["content-type"], missing.status)
    assert 0 == charged(provider)


@pytest.mark.parametrize("symbol", ["BMV:CEMEX/CPO", "BMV%3ACEMEX%2FCPO"])
def test_a_symbol_with_a_slash_has_an_address(served: Served, symbol: str) -> None:
    """A symbol with a slash is drawn, with the slash as it is or escaped."""
    reply = served.ask("GET", f"/charts/{symbol}/1D/price_psar_adi_v1.png")

    assert (200, b"\x89PNG") == (reply.status, reply.data[:4])


def test_the_units_left_are_those_after_the_call(served: Served) -> None:
    """Each answer that a call paid for shows one unit less, however fast the calls are."""
    left = [served.chart(BODY).headers["x-chartimg-units-left"] for _ in range(3)]

    assert ["19", "18", "17"] == left


def test_a_body_that_does_not_come_is_a_408(
    monkeypatch: pytest.MonkeyPatch, provider: Emulator, served: Served
) -> None:
    """Half a body is waited for a while, and then refused without a call."""
    monkeypatch.setattr("chartimg.app.gateway.server._BODY_SECONDS", 0.05)
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), 30) as caller:
        caller.sendall(f"POST {CHART} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{{".encode())
        answer = b"".join(iter(lambda: caller.recv(4096), b""))  # it also closes the connection

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 0 == charged(provider)


@pytest.mark.parametrize(
    ("before", "sent"),
    [(b"", b""), (b"", b"GET /healthz HTT"), (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"GET")],
)
def test_a_head_that_does_not_come_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, served: Served, before: bytes, sent: bytes
) -> None:
    """A connection on which no head or half a head lies is closed after a while, also after a whole request."""
    monkeypatch.setattr("chartimg.app.gateway.protocol._HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), 30) as caller:
        caller.sendall(before)
        answer = caller.recv(4096) if before else b""
        caller.sendall(sent)
        answer += b"".join(iter(lambda: caller.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 200 " if before else b"")


def test_a_request_that_the_server_cuts_off_is_a_503(provider: Emulator) -> None:
    """A request that a server cancels at its own end is answered in the provider's shape, and makes no call."""
    config = WorkerConfig.from_env({**provider.environ, "CHARTS_CACHE": "memory://"})
    head = [(b"host", b"localhost"), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": CHART, "headers": head, "query_string": b""}
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        """Wait for ever, as for a body that does not come."""
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        """Keep the message."""
        sent.append(message)

    async def cut_off() -> None:
        """Cancel a request under way."""
        client = AsyncChartClient(config)
        app = Gateway(client, config, Callers((), open_pool_of_nobody)).app()
        request = asyncio.ensure_future(app(scope, receive, send))
        for _ in range(10):
            await asyncio.sleep(0)
        request.cancel()
        await request
        await client.aclose()

    asyncio.run(cut_off())

    assert 503 == sent[0]["status"]
    assert 0 == charged(provider)


def open_pool_of_nobody(account: Account) -> Pool:
    """Fail, since the gateway knows nobody with a limit."""
    raise AssertionError(account.id)


def test_a_body_that_is_too_large_is_a_413(provider: Emulator, served: Served) -> None:
    """A body over a megabyte is refused without a call."""
    reply = served.chart(b" " * (1024 * 1024 + 1))

    assert (413, 0) == (reply.status, charged(provider))


def test_a_store_that_is_gone_is_a_503(provider: Emulator) -> None:
    """While the books can't be reached, charts, books and health are 503 with one line, and no call is made."""
    with gateway({**provider.environ, "CHARTS_ACCOUNT_STORE": "redis://127.0.0.1:1"}) as served:
        replies = [served.chart(BODY), served.ask("GET", "/accounts"), served.ask("GET", "/healthz")]

    assert [503] * 3 == [reply.status for reply in replies]
    assert "5" == replies[0].headers["retry-after"]
    assert 0 == charged(provider)


def test_a_service_that_is_down_is_a_503_without_a_call() -> None:
    """After three failures in a row a chart is answered 503 with the seconds to the next probe, and no call is made."""
    with (
        emulator(EmulatedAccount("main", KEY, 20, "BASIC", 1000.0, 1000), rules=[Rule(Fault.UNAVAILABLE)]) as provider,
        gateway({**provider.environ, "CHARTS_MAX_ATTEMPTS": "1", "CHARTS_DEADLINE": "5"}) as served,
    ):
        failed = [served.chart({**BODY, "width": 400 + number}).headers["x-chartimg-kind"] for number in range(3)]
        reply = served.chart({**BODY, "width": 410})
        calls, service = charged(provider), served.ask("GET", "/accounts").json()["service"]

    assert (["SERVICE_UNAVAILABLE"] * 3, 3) == (failed, calls)
    assert (503, "SERVICE_DOWN") == (reply.status, reply.headers["x-chartimg-kind"])
    assert 0 < int(reply.headers["retry-after"]) <= 31
    assert "no call was made" in reply.json()["message"]
    assert ("DOWN", 3) == (service["state"], service["failures"])
    assert service["since"] < service["probeAt"]


def test_a_caller_that_leaves_ends_its_wait_and_loses_no_picture(caplog: pytest.LogCaptureFixture) -> None:
    """Of callers that leave, one whose call was under way leaves its picture to the next, and one that waited costs no call."""
    caplog.set_level(logging.INFO, "chartimg")
    with (
        emulator(EmulatedAccount("main", KEY, 20, "BASIC", 0.02, 1), rules=[Rule(latency=1.0)]) as provider,
        gateway(provider.environ) as served,
    ):
        callers = []
        for width in (401, 402, 403):
            body = json.dumps({**BODY, "width": width}).encode()
            head = f"POST {CHART} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            callers.append(socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))))
            callers[-1].sendall(head + body)
            eventually(lambda: charged(provider) == 1)  # the others wait for the pace of the account
        eventually(lambda: used(served) > 1)
        for caller in callers:
            caller.close()
        eventually(lambda: used(served) == 1)
        eventually(lambda: "chart_api_picture_kept" in caplog.text)

        assert "CACHE" == served.chart({**BODY, "width": 401}).headers.get("x-chartimg-source")
        assert 1 == charged(provider)


def used(served: Served) -> int:
    """Return the units that the books count as taken."""
    (account,) = served.ask("GET", "/accounts").json()["accounts"]
    units: int = account["used"]
    return units


def test_two_hundred_callers_at_once_are_all_answered() -> None:
    """Two hundred callers at the same moment all get the picture of a fixture."""
    body = templates()["price_psar_adi_v1"].request("BINANCE:BTCUSDT", "1h").body
    environ = {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(FIXTURES)}
    with gateway(environ) as mocked, ThreadPoolExecutor(200) as crowd:
        replies = list(crowd.map(lambda _: mocked.chart(body).status, range(200)))

    assert [200] * 200 == replies


def test_curl_gets_a_picture(served: Served, tmp_path: Path) -> None:
    """The provider's own curl example works with another base address."""
    command = ["curl", "-sS", "-w", "%{http_code} %{content_type}", "-o", "chart.png", "-X", "POST", served.url + CHART]
    command += ["-H", "x-api-key: any", "-H", "content-type: application/json", "-d", json.dumps(BODY)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "200 image/png" == done.stdout
    assert b"\x89PNG" == (tmp_path / "chart.png").read_bytes()[:4]


@pytest.mark.skipif(
    shutil.which("node") is None, reason="NODE IS NOT INSTALLED: the gateway is not tried with its fetch"
)
def test_the_program_for_node_saves_a_picture_or_says_why_there_is_none(served: Served, tmp_path: Path) -> None:
    """Node's fetch gets a picture and the units left; for a wrong interval it gets the finding."""
    saved, refused = (
        subprocess.run(
            ["node", DOCS / "examples/chart.mjs", "BINANCE:BTCUSDT", interval],
            cwd=tmp_path,
            env={**os.environ, "GATEWAY_URL": served.url},
            capture_output=True,
            text=True,
            check=False,
        )
        for interval in ("1h", "1H")
    )

    assert (0, "chart.png, 19 units left\n", "") == (saved.returncode, saved.stdout, saved.stderr)
    assert b"\x89PNG" == (tmp_path / "chart.png").read_bytes()[:4]
    assert (1, "") == (refused.returncode, refused.stdout)
    assert refused.stderr.startswith("422 INVALID_BEFORE_CALL ")
    assert "is not an interval" in refused.stderr


def test_the_request_of_n8n_gets_a_picture(served: Served) -> None:
    """The HTTP request node of n8n (accept of everything, body as text, keep-alive) gets a picture as binary data."""
    reply = served.ask(
        "POST",
        CHART,
        BODY,
        token="any",
        accept="application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7",
        content_type="application/json",
        user_agent="axios/1.7",
        accept_encoding="gzip, compress, deflate, br",
    )

    assert (200, "image/png") == (reply.status, reply.headers["content-type"])
