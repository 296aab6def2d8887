"""The answer to each request, without sockets and without waiting.

The order is that of a gateway with a service behind it: path, key, throttle, quota. Now the call is charged. Then come the
faults of the scenario, the body, the plan, and at last the picture.

The documentation has no message for a watermark that the plan forbids. ``Exceed Max Usage Watermark Limit`` is assumed,
after the messages for size and number (API page, "Errors", 403).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import attrs

from ..adapters.catalog import shipped_catalog
from ..codec import dump
from ..domain.account import Account
from ..domain.check.catalog import Catalog
from ..domain.errors import ConfigError
from ..domain.plan import Plan, PlanName
from .accounts import EmulatedAccount, completed, refuse_duplicates
from .quota import Admission, KeyQuota, Tallies
from .rules import AcceptedChart, Refusal, read_body
from .scenario import Effect, Fault, Rule, Scenario, Script, read_scenario

CHART_PATH: Final = "/v2/tradingview/advanced-chart"
_LOGGER: Final = logging.getLogger("chartimg.emulator")
_LOGGER.addHandler(logging.NullHandler())
_MAX_CLOCK_MOVE_SECONDS: Final = 100 * 366 * 86_400.0


@attrs.frozen
class HttpRequest:
    """One request as received; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class HttpAnswer:
    """An answer: *status* with *body*, or with the picture of *chart*.

    Attributes:
        latency: seconds to wait before it is sent.
        damage: the fault that it meets on its way.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = MappingProxyType({})
    chart: AcceptedChart | None = None
    latency: float = 0.0
    damage: Fault | None = None


_FAULTY_ANSWERS: Final[Mapping[Fault, HttpAnswer]] = MappingProxyType(
    {
        Fault.SERVER_ERROR: HttpAnswer(500, b'{"message":"Something Went Wrong"}'),
        Fault.UNAVAILABLE: HttpAnswer(503, b'{"message":"Service Unavailable"}'),
        Fault.TIMEOUT: HttpAnswer(504, b'{"message":"External Request Timeout"}'),
        Fault.GATEWAY_TIMEOUT: HttpAnswer(504, b'{"message":"Endpoint request timed out"}'),
        Fault.BAD_GATEWAY: HttpAnswer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        Fault.SILENT_429: HttpAnswer(429, b"{}"),
        Fault.REDIRECT: HttpAnswer(302, headers={"location": "https://charts.invalid/elsewhere"}),
        Fault.JSON: HttpAnswer(200, b'{"url":"https://charts.invalid/chart.png"}'),
    }
)
"""The answers in place of the right one; every other fault damages the right one on its way."""


class Provider:
    """Answers requests with the keys of *accounts*. Not safe from several threads.

    Args:
        accounts: the known keys.
        now: a function that returns the date and time (UTC); moving the clock adds to it.
        scenario: the faults.
        catalog: the rules for a chart and the plans of the accounts; by default the shipped ones.

    Attributes:
        accounts: the known keys, with every limit stated.

    Raises:
        ConfigError: two accounts have the same id or key, one is on a plan that the catalog lacks, or the scenario names
            an unknown account.
    """

    def __init__(
        self,
        accounts: Sequence[EmulatedAccount | Account],
        now: Callable[[], datetime],
        scenario: Scenario | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        refuse_duplicates(accounts, where="the emulator's accounts")
        self._catalog = catalog or shipped_catalog()
        self.accounts = tuple(completed(account, self._catalog) for account in accounts)
        self._accounts = {account.api_key: account for account in self.accounts}
        self._quotas = {account.id: KeyQuota(account.calls) for account in self.accounts}
        self._now = now
        self._moved = timedelta()
        self._unknown = 0
        self.play(scenario or Scenario())

    def now(self) -> datetime:
        """Return the provider's date and time, in UTC."""
        return self._now() + self._moved

    def move_clock(self, seconds: float) -> datetime:
        """Move the clock by *seconds*, back if they are negative, and return the new date and time.

        Raises:
            ConfigError: *seconds* are more than a hundred years.
        """
        if not -_MAX_CLOCK_MOVE_SECONDS <= seconds <= _MAX_CLOCK_MOVE_SECONDS:
            raise ConfigError(f"the clock can be moved by a hundred years at most, not by {seconds} seconds")
        self._moved += timedelta(seconds=seconds)
        return self.now()

    def play(self, scenario: Scenario) -> None:
        """Replace the scenario.

        Raises:
            ConfigError: it names an unknown account.
        """
        unknown = {rule.account for rule in scenario.rules} - {None, *self._quotas}
        if unknown:
            raise ConfigError(f"the scenario names unknown accounts: {', '.join(sorted(map(str, unknown)))}")
        self._script = Script(scenario)

    def ledger(self) -> Tallies:
        """Return all tallies."""
        return Tallies(self.now(), {name: quota.tallies() for name, quota in self._quotas.items()}, self._unknown)

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Return the answer to one request."""
        if request.path.startswith("/_emulator/"):
            return self._control(request)
        if request.path != CHART_PATH or request.method != "POST":
            return self._not_found(request)
        account = self._accounts.get(request.headers.get("x-api-key", ""))
        if account is None:
            self._unknown += 1
            return _logged("no account", _error(403, "Forbidden", "ForbiddenException"))
        match self._quotas[account.id].admit(self.now()):
            case Admission.THROTTLED:
                return _logged(account.id, _error(429, "Too Many Requests", "TooManyRequestsException"))
            case Admission.REFUSED:
                return _logged(account.id, _error(429, "Limit Exceeded", "LimitExceededException"))
            case Admission.CHARGED:
                effect = self._script.next_effect(account.id)
                plan = self._catalog.plan_by_name[PlanName(str(account.plan))]
                served = _served(plan, read_body(request.body, self._catalog))
                return _logged(account.id, _with_fault(served, effect), effect)

    def _control(self, request: HttpRequest) -> HttpAnswer:
        """Answer the paths by which a test controls the emulator."""
        try:
            match request.method, request.path:
                case "GET", "/_emulator/ledger":
                    return HttpAnswer(200, dump(self.ledger()).encode())
                case "GET", "/_emulator/clock":
                    return HttpAnswer(200, dump({"now": self.now()}).encode())
                case "POST", "/_emulator/clock":
                    return HttpAnswer(200, dump({"now": self._set_clock(request.body)}).encode())
                case "POST", "/_emulator/script":
                    self.play(read_scenario(request.body.decode("utf-8", "replace"), where="the scenario"))
                    return HttpAnswer(200, b"{}")
                case _:
                    return self._not_found(request)
        except ConfigError as error:
            return _error(400, str(error))

    def _set_clock(self, body: bytes) -> datetime:
        """Move the clock by ``{"advance": seconds}`` or to ``{"now": "2026-01-05T12:00:00Z"}``."""
        try:
            wanted = json.loads(body)
        except (ValueError, RecursionError):
            wanted = None
        match wanted:
            case {"advance": int() | float() as seconds} if not isinstance(seconds, bool):
                return self.move_clock(seconds)
            case {"now": str(text)}:
                return self.move_clock((_moment(text) - self.now()).total_seconds())
            case _:
                raise ConfigError('move the clock with {"advance": seconds} or {"now": "2026-01-05T12:00:00Z"}')

    def _not_found(self, request: HttpRequest) -> HttpAnswer:
        """Return the provider's 404, and log the path that was probably meant."""
        documented = {endpoint.path for endpoint in self._catalog.paths}
        prefixes = {path.partition("<")[0] for path in documented if "<" in path}
        if request.path == CHART_PATH:
            hint = f"{CHART_PATH} wants POST, not {request.method}"
        elif request.path in documented or any(request.path.startswith(prefix) for prefix in prefixes):
            hint = f"{request.path} is documented, but only POST {CHART_PATH} is emulated"
        else:
            hint = f"{request.method} {request.path} is not in the API; did you mean POST {CHART_PATH}?"
        _LOGGER.warning("404 %s", hint)
        return _error(404, "Route not found.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a date and time in ISO 8601") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _served(plan: Plan, read: AcceptedChart | Refusal) -> HttpAnswer:
    """Return the picture, or the refusal of the body or of the plan."""
    if isinstance(read, Refusal):
        return HttpAnswer(read.status, read.body)
    width, height = read.size
    if width > plan.max_width or height > plan.max_height:
        return _error(403, f"Exceed Max Usage Resolution Limit ({plan.max_width}x{plan.max_height})")
    if read.parameters > plan.max_parameters:
        return _error(403, f"Exceed Max Usage Parameter Limit ({plan.max_parameters})")
    if read.watermark and not plan.custom_watermark:
        return _error(403, "Exceed Max Usage Watermark Limit")
    kind = "image/jpeg" if read.body["format"] == "jpeg" else "image/png"
    return HttpAnswer(200, chart=read, content_type=kind)


def _with_fault(answer: HttpAnswer, effect: Effect) -> HttpAnswer:
    """Return *answer* with the fault and the delay of *effect*."""
    match effect.rule:
        case Rule(status=int(status), body=body):
            answer = HttpAnswer(status, b"" if body is None else _json(body))
        case Rule(fault=Fault() as fault):
            answer = _FAULTY_ANSWERS.get(fault) or attrs.evolve(answer, damage=fault)
    return attrs.evolve(answer, latency=effect.latency) if effect.latency else answer


def _error(status: int, message: str, kind: str | None = None) -> HttpAnswer:
    return HttpAnswer(status, _json({"message": message}), headers={} if kind is None else {"x-amzn-ErrorType": kind})


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _logged(who: str, answer: HttpAnswer, effect: Effect | None = None) -> HttpAnswer:
    if _LOGGER.isEnabledFor(logging.INFO):
        chart = "" if answer.chart is None else f" {answer.chart.body['symbol']} {answer.chart.body['interval']}"
        rule = None if effect is None else effect.rule
        fault = "" if rule is None else f" (scenario: {rule.fault or rule.status})"
        what = chart or " " + answer.body.decode("utf-8", "replace")[:200]
        _LOGGER.info("%s %s%s%s", answer.status, who, what.rstrip(), fault)
    return answer
