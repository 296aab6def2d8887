"""Records the replies of another transport as fixtures. They replay byte for byte."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import attrs

from ..domain.account import Account
from ..domain.chart import Request
from ..domain.chart.endpoint import ADVANCED_CHART, ENDPOINTS, Answer
from ..domain.chart.file_name import slug
from ..domain.classification import classify
from ..domain.errors import ConfigError
from ..domain.events import Event, FixtureNotRecorded, FixtureRecorded
from ..domain.faults import FaultKind
from ..domain.finding import Finding, Severity
from ..domain.ports import CacheLock, Listener, Transport
from ..domain.reply import Reply, TransportFailure
from ..domain.reply.error_text import read_error_text
from ..domain.reply.secret import SECRET_INSIDE, scrub
from ..version import __version__
from .fixture.folder import FixtureFolder, FixtureMeta, content_digest, folder_of

__all__ = ["RecordingTransport"]

_MAX_BRACKETS: Final = 200
_MAX_ORIGIN_CHARACTERS: Final = 200
_KEPT_HEADERS: Final = ("content-type", "retry-after", "x-amzn-errortype")


class RecordingTransport:
    """Sends through *inner* and saves whole pictures and terminal errors in *directory*. Safe from many threads.

    An error is terminal if the same request meets it on any account at any time. An error that passes by itself, or belongs to
    one account, is returned and not recorded: as a fixture it would be wrong. *origin* goes into the meta files. By default
    these name the server, so that an emulated picture can be told from a real one. *listener* is told about each fixture.

    Raises:
        ConfigError: *directory* can't be written; better now than after a call that is paid for.
    """

    def __init__(
        self,
        inner: Transport,
        directory: str | os.PathLike[str],
        *,
        listener: Listener | None = None,
        origin: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inner = inner
        self._folders = {each: FixtureFolder(folder_of(directory, each)) for each in ENDPOINTS}
        self._folders[ADVANCED_CHART].refuse_unwritable()
        self._listener = listener
        self._origin = origin
        self._now = now
        self._room = 1  # bytes; of the largest fixture that could not be written

    def send(
        self, request: Request, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Make one exchange and record its outcome. If the folder can't be written, do not call."""
        folder = self._folders[request.endpoint]
        try:
            folder.refuse_unwritable(self._room)
        except ConfigError as error:
            return TransportFailure(FaultKind.NOT_SENT, str(error), fixture_path=folder.directory)
        outcome = self._inner.send(request, account, timeout=timeout)
        if account is not None:
            outcome = scrub(outcome, account.api_key)
        if not isinstance(outcome, Reply):
            return outcome
        fault = classify(outcome, now=self._now(), request=request)
        if SECRET_INSIDE in outcome.warnings:
            return self._not_saved(request, outcome, "the picture holds a key or a session")
        if fault is None and request.endpoint.answer is Answer.PICTURE:
            return self._save(request, ".png", outcome.body, outcome)
        if fault is None:
            return self._save(request, f"__{outcome.status}.json", _text_file(outcome), outcome)
        if fault.kind is FaultKind.INVALID_REQUEST:
            return self._save(request, _error_suffix(outcome), _text_file(outcome), outcome)
        return outcome

    def lock(self, request: Request) -> CacheLock | None:
        """Return the lock that one process holds while it records a chart, at once; None if another one holds it.

        Where the folder can't be written or has no locks, there is none to wait for.
        """
        try:
            return self._folders[request.endpoint].lock(request.key)
        except OSError:
            return _NoLock()

    def _save(self, request: Request, suffix: str, content: bytes, reply: Reply) -> Reply:
        """Record *reply* and return it, with a warning if it could not be recorded: it is paid for."""
        key = request.key
        meta = FixtureMeta(
            symbol=request.symbol,
            timeframe=request.timeframe,
            chart_template_id=key.chart_template_id,
            layout_id=key.layout_id,
            listed=key.listed,
            file="",
            body_sha256=request.body_digest,
            content_sha256=content_digest(suffix, content),
            recorded_at=self._now(),
            origin=self._origin
            or f"recorded from {reply.headers.get('server', 'a server without a name')}"[:_MAX_ORIGIN_CHARACTERS],
            library_version=__version__,
        )
        chart = str(request.key)
        try:
            path = self._folders[request.endpoint].write(request.key, suffix, content, meta)
        except OSError as error:
            self._room = max(self._room, len(content))
            return self._not_saved(request, reply, f"{error.filename}: {error.strerror}")
        except ConfigError as error:
            return self._not_saved(request, reply, "; ".join(error.problems))
        self._notify(FixtureRecorded(chart, str(path), reply.status))
        return reply

    def _not_saved(self, request: Request, reply: Reply, reason: str) -> Reply:
        self._notify(FixtureNotRecorded(str(request.key), str(self._folders[request.endpoint].directory), reason))
        warning = Finding("", Severity.WARNING, f"the reply could not be recorded as a fixture: {reason}")
        return attrs.evolve(reply, warnings=(*reply.warnings, warning))

    def _notify(self, event: Event) -> None:
        if self._listener is not None:
            self._listener.notify(event)


class _NoLock:
    """Stands for a lock where the system has none."""

    def release(self) -> None:
        """Do nothing."""


def _error_suffix(reply: Reply) -> str:
    """Return the end of the name of an error: ``__422_INVALID_SYMBOL.json``, or ``__422.json`` without a message."""
    said = slug(read_error_text(reply.body).message)
    return f"__{reply.status}_{said}.json" if said else f"__{reply.status}.json"


def _text_file(reply: Reply) -> bytes:
    """Write a reply for people, with its exact bytes if its JSON alone would not restore them."""
    content: dict[str, object] = {
        "status": reply.status,
        "headers": {name: reply.headers[name] for name in _KEPT_HEADERS if name in reply.headers},
    }
    try:
        content["body"] = _read_json(reply.body)
        exact = json.dumps(content["body"], separators=(",", ":")).encode() == reply.body
    except ValueError:
        content["body"] = reply.body.decode("utf-8", "replace")
        exact = str(content["body"]).encode() == reply.body
    if not exact or (isinstance(content["body"], str) and reply.body[:1] == b'"'):
        content["bodyBase64"] = base64.b64encode(reply.body).decode()
    return json.dumps(content, indent=2).encode() + b"\n"


def _read_json(body: bytes) -> object:
    """Read a body as JSON that a person can read.

    Raises:
        ValueError: it is not JSON, or has too many brackets.
    """
    if body.count(b"[") + body.count(b"{") > _MAX_BRACKETS:
        raise ValueError("too many brackets")
    return json.loads(body)
