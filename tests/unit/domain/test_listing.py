"""A list as a client returns it."""

from __future__ import annotations

import inspect
import pickle

import attrs

from chartimg import Finding, Severity
from chartimg.domain.chart.listing import Exchange, Rows
from chartimg.domain.listing import Listing
from chartimg.domain.result import Circumstances, JsonSuccess, Source
from samples import NOON


def test_a_list_is_a_sequence_of_its_rows() -> None:
    """A list has a length, rows at places and in order, and is true even if it is empty."""
    listed = Listing(rows=("a", "b", "c"), source=Source.HTTP, taken_at=NOON)
    empty: Listing[str] = Listing(rows=())

    assert (["a", "b", "c"], 3, "b", ("b", "c")) == (list(listed), len(listed), listed[1], listed[1:])
    assert ("c" in listed, 2, list("cba")) == (True, listed.index("c"), list(reversed(listed)))
    assert (True, True, 0, None) == (bool(empty), empty.ok, len(empty), empty.error)
    assert listed is listed.unwrap()
    assert repr(listed).endswith("fetch_id='', rows=<3 rows>, updated_at=None)")
    assert listed == attrs.evolve(listed, fetch_id="f2")
    assert listed == pickle.loads(pickle.dumps(listed))


def test_a_list_is_made_by_name() -> None:
    """A list takes its circumstances, its rows and their moment by name, and nothing else."""
    names = [*(field.name for field in attrs.fields(Circumstances)), "rows", "updated_at"]
    parameters = inspect.signature(Listing).parameters.values()

    assert names == [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def test_a_list_has_the_circumstances_of_its_reply() -> None:
    """The rows come with the moment, the account and the source of the reply, and with what could not be read."""
    odd, bad = Finding("", Severity.WARNING, "odd"), Finding("payload[1]", Severity.WARNING, "bad")
    reply = JsonSuccess(body=b"", http_status=200, source=Source.HTTP, account_id="a", taken_at=NOON, warnings=(odd,))
    listed = Listing.of(attrs.evolve(reply, fetch_id="f"), Rows((Exchange("A"),), NOON, (bad,)))

    assert ((Exchange("A"),), NOON, NOON, "a") == (listed.rows, listed.updated_at, listed.taken_at, listed.account_id)
    assert (200, Source.HTTP, (odd, bad), "f") == (listed.http_status, listed.source, listed.warnings, listed.fetch_id)
