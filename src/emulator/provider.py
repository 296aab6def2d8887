"""The answer to each request, without sockets and without waiting.

The order is that of a gateway with a service behind it: path, key, throttle, quota. Now the call is charged. Then come the
faults of the scenario, the TradingView session, the body, the plan, and at last the picture, its address, or a list.

All endpoints of the API's versions 2 and 3 are here: a row of :data:`_ROUTES` for each.

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
from .answer import HttpAnswer, HttpRequest, as_json, content_type_of, error_answer, with_fault
from .layout import is_layout_id
from .listings import exchange_list, symbol_list
from .quota import Admission, KeyQuota, Tallies
from .rules import AcceptedChart, Refusal, read_body
from .scenario import Effect, Scenario, Script, read_scenario
from .sessions import DEMO_SESSION, Access, EmulatedSession, Sessions
from .storage import STORAGE_PATH, Storage

CHART_PATH: Final = "/v2/tradingview/advanced-chart"
LAYOUT_PATH: Final = "/v2/tradingview/layout-chart"
EXCHANGE_PATH: Final = "/v3/tradingview/exchange"
_LOGGER: Final = logging.getLogger("chartimg.emulator")
_LOGGER.addHandler(logging.NullHandler())
_MAX_CLOCK_MOVE_SECONDS: Final = 100 * 366 * 86_400.0


class Provider:
    """Answers requests with the keys of *accounts*. Not safe from several threads.

    Args:
        accounts: the known keys.
        now: a function that returns the date and time (UTC); moving the clock adds to it.
        scenario: the faults.
        catalog: the rules for a chart and the plans of the accounts; by default the shipped ones.
        sessions: the known TradingView sessions; by default one, ``demo-session`` with ``demo-sign``.

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
        sessions: Sequence[EmulatedSession] | None = None,
    ) -> None:
        refuse_duplicates(accounts, where="the emulator's accounts")
        self._catalog = catalog or shipped_catalog()
        self.accounts = tuple(completed(account, self._catalog) for account in accounts)
        self._accounts = {account.api_key: account for account in self.accounts}
        self._quotas = {account.id: KeyQuota(account.calls) for account in self.accounts}
        self._now = now
        self._moved = timedelta()
        self._sessions = Sessions((DEMO_SESSION,) if sessions is None else sessions)
        self._storage = Storage()
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
        if request.path.startswith(STORAGE_PATH):
            return self._stored(request)
        route = _route(request)
        if route is None:
            return self._not_found(request)
        key = request.headers.get("x-api-key") or (request.query.get("key", "") if route.key_in_query else "")
        account = self._accounts.get(key)
        if account is None:
            self._unknown += 1
            return _logged("no account", error_answer(403, "Forbidden", "ForbiddenException"))
        match self._quotas[account.id].admit(self.now()):
            case Admission.THROTTLED:
                return _logged(account.id, error_answer(429, "Too Many Requests", "TooManyRequestsException"))
            case Admission.REFUSED:
                return _logged(account.id, error_answer(429, "Limit Exceeded", "LimitExceededException"))
            case Admission.CHARGED:
                effect = self._script.next_effect(account.id)
                plan = self._catalog.plan_by_name[PlanName(str(account.plan))]
                return _logged(account.id, with_fault(route.answer(self, request, route, plan), effect), effect)

    def _chart(self, request: HttpRequest, route: _Route, plan: Plan) -> HttpAnswer:
        """Return a picture, or the address of one, or the refusal of the session, the body or the plan."""
        layout = request.path.removeprefix(route.path) if route.is_prefix else ""
        if route.is_prefix and not is_layout_id(layout):
            return HttpAnswer(404)
        refused = _REFUSED_SESSIONS.get(self._sessions.access(request.headers, layout))
        if refused is not None:
            return refused
        answer = _served(plan, read_body(request.body, self._catalog, layout))
        if answer.chart is None or not route.stores:
            return answer
        base = f"http://{request.headers.get('host', '127.0.0.1')}"
        stored = self._storage.keep(answer.chart, base, self.now(), plan.storage_days or 0, sized=bool(layout))
        return HttpAnswer(200, stored=stored)

    def _exchanges(self, request: HttpRequest, route: _Route, plan: Plan) -> HttpAnswer:
        """Return the list of exchanges."""
        del request, route, plan
        return HttpAnswer(200, as_json(exchange_list(self._catalog, self.now())))

    def _symbols(self, request: HttpRequest, route: _Route, plan: Plan) -> HttpAnswer:
        """Return the symbols of an exchange."""
        del plan
        exchange = request.path.removeprefix(route.path)
        rows = symbol_list(exchange, request.query, self._catalog, self.now())
        return HttpAnswer(404) if rows is None else HttpAnswer(200, as_json(rows))

    def _stored(self, request: HttpRequest) -> HttpAnswer:
        """Return a stored picture to anybody, until it expires."""
        chart = self._storage.chart_at(request.path, self.now()) if request.method in {"GET", "HEAD"} else None
        return HttpAnswer(404) if chart is None else HttpAnswer(200, chart=chart, content_type=content_type_of(chart))

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
            return error_answer(400, str(error))

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
        other = next((route for route in _ROUTES if route.fits(request.path)), None)
        if other is not None:
            hint = f"{request.path} wants {other.method}, not {request.method}"
        elif request.path in documented:
            hint = f"{request.path} is documented, but only the versions 2 and 3 of the API are emulated"
        else:
            hint = f"{request.method} {request.path} is not in the API; did you mean POST {CHART_PATH}?"
        _LOGGER.warning("404 %s", hint)
        return error_answer(404, "Route not found.")


@attrs.frozen
class _Route:
    """A row of the table of endpoints.

    Attributes:
        method: the method.
        path: the whole path, or its beginning.
        answer: answers a charged request.
        is_prefix: the path goes on, with the id of a layout or an exchange.
        stores: the answer is an address.
        key_in_query: the key may also be the query parameter ``key``.
    """

    method: str
    path: str
    answer: Callable[[Provider, HttpRequest, _Route, Plan], HttpAnswer]
    is_prefix: bool = False
    stores: bool = False
    key_in_query: bool = False

    def fits(self, path: str) -> bool:
        """Return whether *path* is that of this row."""
        return path.startswith(self.path) and path != self.path if self.is_prefix else path == self.path


_ROUTES: Final = (
    _Route("POST", CHART_PATH, Provider._chart),  # noqa: SLF001 (a table of its own methods)
    _Route("POST", f"{CHART_PATH}/storage", Provider._chart, stores=True),  # noqa: SLF001
    _Route("POST", f"{LAYOUT_PATH}/storage/", Provider._chart, is_prefix=True, stores=True),  # noqa: SLF001
    _Route("POST", f"{LAYOUT_PATH}/", Provider._chart, is_prefix=True),  # noqa: SLF001
    _Route("GET", f"{EXCHANGE_PATH}/list", Provider._exchanges, key_in_query=True),  # noqa: SLF001
    _Route("GET", f"{EXCHANGE_PATH}/", Provider._symbols, is_prefix=True, key_in_query=True),  # noqa: SLF001
)
"""The endpoints of the API; the first that fits answers."""


def _route(request: HttpRequest) -> _Route | None:
    return next((each for each in _ROUTES if each.method == request.method and each.fits(request.path)), None)


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
        return error_answer(403, f"Exceed Max Usage Resolution Limit ({plan.max_width}x{plan.max_height})")
    if read.parameters > plan.max_parameters:
        return error_answer(403, f"Exceed Max Usage Parameter Limit ({plan.max_parameters})")
    if read.watermark and not plan.custom_watermark:
        return error_answer(403, "Exceed Max Usage Watermark Limit")
    return HttpAnswer(200, chart=read, content_type=content_type_of(read))


_REFUSED_SESSIONS: Final[Mapping[Access, HttpAnswer]] = MappingProxyType(
    {
        Access.UNKNOWN_SESSION: HttpAnswer(403, b'{"message":"Forbidden"}'),
        Access.DISCONNECTED: HttpAnswer(409, b'{"message":"Session Disconnected"}'),
        Access.PRIVATE_LAYOUT: HttpAnswer(403, b'{"message":"Layout Forbidden"}'),
    }
)


def _logged(who: str, answer: HttpAnswer, effect: Effect | None = None) -> HttpAnswer:
    if _LOGGER.isEnabledFor(logging.INFO):
        drawn = answer.chart if answer.stored is None else answer.stored.chart
        chart = "" if drawn is None else f" {drawn.body['symbol']} {drawn.body['interval']}"
        rule = None if effect is None else effect.rule
        fault = "" if rule is None else f" (scenario: {rule.fault or rule.status})"
        what = chart or " " + answer.body.decode("utf-8", "replace")[:200]
        _LOGGER.info("%s %s%s%s", answer.status, who, what.rstrip(), fault)
    return answer
