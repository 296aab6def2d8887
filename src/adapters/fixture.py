"""Answers from fixtures: no network, no key, no quota."""

from __future__ import annotations

import base64
import difflib
import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..domain.account import Account
from ..domain.chart import ChartRequest
from ..domain.errors import ConfigError
from ..domain.events import FixtureStale
from ..domain.faults import FaultKind
from ..domain.filename import stem
from ..domain.png import inspect
from ..domain.ports import Listener
from ..domain.reply import Reply, TransportFailure
from .fixture_folder import FixtureFolder, Found

__all__ = ["FixtureTransport", "read_error_fixture"]

_OK: Final = 200
_MOST_KNOWN: Final = 100_000  # verified files to remember: a picture's signature, an error's reply
_PNG_HEADERS: Final[Mapping[str, str]] = {"content-type": "image/png"}


class FixtureTransport:
    """Replays the fixtures in *directory*. Safe from many threads.

    Each file is verified, by its checksums and by the digest in its meta file, when it is first read and again whenever
    it has changed. *listener* is told of fixtures that were recorded for another body.

    Attributes:
        recorded: its answers are, so they cost nothing, and stand whatever a check says of the request.
    """

    recorded = True

    def __init__(self, directory: str | os.PathLike[str], *, listener: Listener | None = None) -> None:
        self._folder = FixtureFolder(directory)
        self._listener = listener
        self._known: dict[Path, tuple[tuple[int, int, int], Reply | None]] = {}

    def send(
        self,
        request: ChartRequest,
        account: Account | None = None,  # noqa: ARG002 (the port's)
        *,
        timeout: float | None = None,  # noqa: ARG002 (the port's)
    ) -> Reply | TransportFailure:
        """Give the recorded reply to *request*; *account* and *timeout* play no part."""
        key = request.key
        try:
            found = self._folder.find(key)
        except (ConfigError, OSError) as error:
            reason = (
                "; ".join(error.problems) if isinstance(error, ConfigError) else f"{error.filename}: {error.strerror}"
            )
            return _damaged(self._folder.path_of(key), f"the fixture of {key} can't be read ({reason})")
        if found is None:
            return self._missing(request)
        meta = found.meta
        if meta is not None and meta.body_sha256 != request.body_digest and self._listener is not None:
            self._listener.notify(FixtureStale(str(key), str(found.path)))
        known = self._known.get(found.path)
        if known is not None and known[0] == found.signature:
            return known[1] or Reply(_OK, _PNG_HEADERS, found.content, found.path, picture_verified=True)
        return self._verify(found)

    def _verify(self, found: Found) -> Reply | TransportFailure:
        """Read a fixture that has not been verified yet, or has changed since."""
        path, is_picture = found.path, found.path.suffix == ".png"
        problem = _picture_problem(found) if is_picture else _digest_problem(found)
        try:
            error = None if is_picture or problem else read_error_fixture(found.content, path)
        except ConfigError as unread:
            problem, error = str(unread), None
        if problem is not None:
            return _damaged(path, f"the fixture {path} is damaged: {problem}; delete it and record it again")
        if found.signature is not None and len(self._known) < _MOST_KNOWN:
            self._known[path] = (found.signature, error)
        return error or Reply(_OK, _PNG_HEADERS, found.content, path, picture_verified=True)

    def _missing(self, request: ChartRequest) -> TransportFailure:
        """Say which key, which path, what is nearest, and how to record it."""
        key, path = request.key, self._folder.path_of(request.key)
        near = difflib.get_close_matches(stem(key), self._folder.stems(), n=1, cutoff=0.0)
        command = shlex.join(
            ["chartimg", "fetch", key.symbol, key.timeframe, "--template", key.chart_template_id, "--out", "chart.png"]
        )
        record = f"CHARTS_API_MODE=record {command}"
        nearest = f"nearest is {near[0]}" if near else "the folder holds no fixture"
        return TransportFailure(
            FaultKind.FIXTURE_MISSING,
            f"there is no fixture for {key} at {path} ({nearest}); record it with: {record}",
            details=({"key": str(key), "path": str(path), "nearest": near[0] if near else None, "command": record},),
            fixture_path=path,
        )


def _picture_problem(found: Found) -> str | None:
    """Say why a file is not the picture it should be."""
    verdict = inspect(found.content)
    return verdict if isinstance(verdict, str) else _digest_problem(found)


def _digest_problem(found: Found) -> str | None:
    """Say when a file is not what its meta file says was recorded."""
    meta = found.meta
    if meta is None or meta.file != found.path.name:
        return None
    if hashlib.sha256(found.content).hexdigest() == meta.content_sha256:
        return None
    return "its content differs from the digest in its meta file (delete that file if the change is meant)"


def _damaged(path: Path, message: str) -> TransportFailure:
    kind = FaultKind.BAD_IMAGE if path.suffix == ".png" else FaultKind.UNEXPECTED_REPLY
    return TransportFailure(kind, message, fixture_path=path)


def read_error_fixture(content: bytes, path: Path) -> Reply:
    """Read ``{"status": …, "body": …}``, with or without the exact bytes and headers that the recorder adds.

    Raises:
        ConfigError: it is not that.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise ConfigError("it is not JSON") from None
    match value:
        case {"status": int(status), "body": body, **rest} if not isinstance(status, bool):
            return Reply(status, _headers(rest.get("headers")), _body(body, rest.get("bodyBase64")), path)
        case _:
            raise ConfigError('it is not an object with "status", a number, and "body"')


def _headers(value: object) -> Mapping[str, str]:
    if value is None:
        return {"content-type": "application/json"}
    if isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values()):
        return {str(name).lower(): text for name, text in value.items()}
    raise ConfigError('its "headers" are not an object of texts')


def _body(body: object, exact: object) -> bytes:
    """Give the exact bytes where they were recorded; else the body as JSON, or as it is when it is text."""
    if isinstance(exact, str):
        try:
            return base64.b64decode(exact, validate=True)
        except ValueError:
            raise ConfigError('its "bodyBase64" is not Base64') from None
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise ConfigError('its "body" holds half a character') from None
