"""Occurrences and overlaps, compared with the cases in tests/vectors and with the slow and simple `oracle`."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any

import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from scheduling.domain import instants, recurrence
from scheduling.domain.recurrence import (
    LATER,
    Series,
    conflict,
    first_conflict,
    local_date,
    local_times,
    occurrence_on,
    occurrences,
    overlaps_itself,
    schedule,
)
from scheduling.dto import read
from scheduling.dto.create_session import CreateSession
from scheduling.errors import BadRequest
from tests.support.template import ROOT
from tests.unit import oracle

Session = dict[str, Any]

OVERLAP = json.loads((ROOT / "tests/vectors/overlap.json").read_text("utf-8"))
VALIDITY = json.loads((ROOT / "tests/vectors/validity.json").read_text("utf-8"))
RECURRENCE = json.loads((ROOT / "tests/vectors/recurrence.json").read_text("utf-8"))
OCCURRENCES = json.loads((ROOT / "tests/vectors/occurrences.json").read_text("utf-8"))
MICROSECOND = timedelta(microseconds=1)
WEEKDAYS = recurrence.WEEKDAYS


def sessions_conflict(one: Session, other: Session) -> bool:
    """Return whether two sessions conflict."""
    a, b = schedule(one), schedule(other)
    return bool(a and b and conflict(a, b))


@pytest.mark.parametrize("case", OVERLAP, ids=lambda case: case["why"])
def test_two_sessions_of_overlap_json_conflict_as_expected_in_both_orders(
    case: dict[str, Any],
) -> None:
    assert sessions_conflict(case["a"], case["b"]) is case["conflict"]
    assert sessions_conflict(case["b"], case["a"]) is case["conflict"]
    assert oracle.conflict(case["a"], case["b"]) is case["conflict"]


@pytest.mark.parametrize("case", RECURRENCE, ids=lambda case: case["why"])
def test_two_sessions_of_recurrence_json_conflict_as_expected_in_both_orders(
    case: dict[str, Any],
) -> None:
    a, b = schedule(case["a"]), schedule(case["b"])
    assert a
    assert b
    assert conflict(a, b) is conflict(b, a) is case["conflict"]
    found = first_conflict(a, b)
    assert (found is not None) is (first_conflict(b, a) is not None) is case["conflict"]
    start = utc(found.start) if found and found != LATER else None
    assert start == (case["firstClash"] and utc(instants.parse(case["firstClash"]).instant))


def utc(instant: int) -> str:
    return instants.utc_text(instant)


@pytest.mark.parametrize("case", OCCURRENCES, ids=lambda case: case["why"])
def test_a_session_of_occurrences_json_has_the_expected_occurrences(case: dict[str, Any]) -> None:
    session = case["session"]
    series = schedule(session)
    assert series
    found = list(
        occurrences(series, instants.parse(case["from"]).instant, instants.parse(case["to"]).instant)
    )
    times = [
        dict(zip(("startDateTime", "endDateTime"), local_times(session, each), strict=True)) for each in found
    ]
    assert times == case["occurrences"]
    for each in found:
        date = local_date(series, each)
        assert date
        assert occurrence_on(series, date) == each


@pytest.mark.parametrize("case", VALIDITY, ids=lambda case: case["why"])
def test_a_session_of_validity_json_is_accepted_or_refused_as_expected(case: dict[str, Any]) -> None:
    body = {"timelineId": "a", "name": "x", **case["session"]}
    try:
        read(CreateSession, body)
    except BadRequest:
        assert not case["valid"]
    else:
        assert case["valid"]


years = st.one_of(st.integers(1, 4), st.integers(1996, 2105), st.integers(9996, 9999))
offsets = st.one_of(st.just(0), st.integers(-14 * 60, 14 * 60), st.integers(-1439, 1439))
LONGEST_DAYS = {None: 2000, "DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 1461}


def text(moment: datetime) -> str:
    """Return a time as a client writes it."""
    return moment.isoformat().replace("+00:00", "Z")


@st.composite
def starts(draw: st.DrawFn) -> datetime:
    """Draw a start, often on a special day such as 29 February or the last day of a month."""
    days = st.one_of(
        st.sampled_from([(2, 28), (2, 29), (3, 1), (12, 31), (1, 1), (1, 31), (4, 30)]), st.none()
    )
    chosen, year = draw(days), draw(years)
    month, day = chosen or (draw(st.integers(1, 12)), draw(st.integers(1, 31)))
    times = st.one_of(
        st.sampled_from([0, 1, 12 * 3600 * 10**6, 24 * 3600 * 10**6 - 1]),
        st.integers(0, 24 * 3600 * 10**6 - 1),
    )
    try:
        naive = datetime(year, month, day) + draw(times) * MICROSECOND
    except (ValueError, OverflowError):
        assume(False)
    return naive.replace(tzinfo=timezone(timedelta(minutes=draw(offsets))))


@st.composite
def sessions(draw: st.DrawFn, start: datetime | None = None) -> Session:
    """Draw a valid session with a start."""
    start = start or draw(starts())
    cycle = draw(st.sampled_from([None, "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    whole = LONGEST_DAYS[cycle] * oracle.DAY
    lengths = st.one_of(st.none(), st.integers(1, 4 * 3600 * 10**6), st.integers(1, whole), st.just(whole))
    length = draw(lengths)
    session: Session = {"type": "RECURRING" if cycle else "ONE_TIME", "repeatCycleType": cycle}
    if cycle == "WEEKLY":
        session["recurringDayOfWeek"] = draw(st.none() | st.sampled_from(WEEKDAYS))
    try:
        session["startDateTime"] = text(start)
        start.astimezone(UTC)
        if length:
            session["endDateTime"] = text((start + length * MICROSECOND).astimezone(start.tzinfo))
            (start + length * MICROSECOND).astimezone(UTC)
    except (OverflowError, ValueError):
        assume(False)
    times = schedule(session)
    assume(not (isinstance(times, Series) and overlaps_itself(times)))
    return session


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Session, Session]:
    """Draw two sessions.

    In most pairs, the start of the second session is the start or the end of the first session, moved by some days.
    The number of days may be zero. The start may also be one microsecond earlier or later.
    """
    one = draw(sessions())
    if draw(st.integers(0, 3)) == 0:
        return one, draw(sessions())
    start = datetime.fromisoformat(one["startDateTime"])
    end = datetime.fromisoformat(one.get("endDateTime") or one["startDateTime"])
    days = st.one_of(st.just(0), st.integers(-40, 40), st.sampled_from([-366, -365, 365, 366, 1461, -1461]))
    try:
        aimed = draw(st.sampled_from([start, end])) + timedelta(days=draw(days))
        aimed = (aimed + draw(st.integers(-1, 1)) * MICROSECOND).astimezone(
            timezone(timedelta(minutes=draw(offsets)))
        )
    except (OverflowError, ValueError):
        assume(False)
    return one, draw(sessions(start=aimed))


@given(pairs())
@example(
    (
        {"repeatCycleType": "YEARLY", "startDateTime": "2072-02-29T09:00:00Z"},
        {
            "repeatCycleType": "WEEKLY",
            "startDateTime": "2072-03-01T09:00:00Z",
            "recurringDayOfWeek": "MONDAY",
        },
    )
)
@example(
    (
        {"repeatCycleType": "DAILY", "startDateTime": "9999-02-28T00:00:00Z"},
        {"repeatCycleType": "YEARLY", "startDateTime": "0001-01-01T00:00:00Z"},
    )
)
def test_the_layer_and_the_oracle_agree_whether_two_sessions_conflict(pair: tuple[Session, Session]) -> None:
    one, other = pair
    expected = oracle.conflict(one, other)
    event(f"{one['repeatCycleType']} and {other['repeatCycleType']}: {expected}")
    assert sessions_conflict(one, other) is expected
    assert sessions_conflict(other, one) is expected


@given(pairs())
@example(  # the DAILY series starts when the first WEEKLY occurrence ends, and overlaps the next WEEKLY occurrence
    (
        {
            "repeatCycleType": "DAILY",
            "startDateTime": "2023-12-01T10:00:00Z",
            "endDateTime": "2023-12-01T11:00:00Z",
        },
        {
            "repeatCycleType": "WEEKLY",
            "startDateTime": "2023-11-30T09:00:00Z",
            "endDateTime": "2023-12-01T10:00:00Z",
        },
    )
)
def test_the_layer_and_the_oracle_agree_on_the_first_conflict(pair: tuple[Session, Session]) -> None:
    one, other = pair
    existing, new = schedule(one), schedule(other)
    assert existing
    assert new
    expected = oracle.first_overlap(one, other)
    assume(expected is not None)
    found = first_conflict(existing, new)
    assert found
    assert found.start == expected if expected < instants.END_OF_TIME else found == LATER


@given(starts(), st.sampled_from(recurrence.CYCLES), st.data())
def test_the_layer_and_the_oracle_agree_whether_a_series_overlaps_itself(
    start: datetime, cycle: str, data: st.DataObject
) -> None:
    base = {"DAILY": [1], "WEEKLY": [7], "MONTHLY": [28, 29, 30, 31], "YEARLY": [365, 366, 1461]}[cycle]
    length = data.draw(st.sampled_from(base)) * oracle.DAY + data.draw(st.integers(-1, 1))
    try:
        ends = start + length * MICROSECOND
        ends.astimezone(UTC)
        start.astimezone(UTC)
    except (OverflowError, ValueError):
        assume(False)
    session = {"repeatCycleType": cycle, "startDateTime": text(start), "endDateTime": text(ends)}
    times = schedule(session)
    assert isinstance(times, Series)
    assert overlaps_itself(times) is oracle.overlaps_itself(session)


@given(starts())
def test_parsing_agrees_with_datetime_and_formatting_restores_the_text(moment: datetime) -> None:
    try:
        in_utc = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        with pytest.raises(ValueError, match="years 1 to 9999"):
            instants.parse(text(moment))
        return
    parsed = instants.parse(text(moment))
    assert parsed.instant == (in_utc - datetime(1, 1, 1, tzinfo=UTC)) // MICROSECOND
    assert instants.local_text(parsed.instant, parsed.offset) == text(moment)
    assert instants.utc_text(parsed.instant) == in_utc.isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )


def test_an_instant_after_the_year_9999_sorts_last() -> None:
    end = instants.parse("9999-12-31T23:59:59.999999Z").instant + 1
    assert instants.local_text(end, 0) is None
    assert instants.utc_text(end) > instants.utc_text(end - 1)


def test_a_series_continues_after_the_year_9999() -> None:
    leap = schedule({"repeatCycleType": "YEARLY", "startDateTime": "9996-02-29T09:00:00Z"})
    assert isinstance(leap, Series)
    first, second = islice(occurrences(leap, 0, 2 * instants.END_OF_TIME), 2)
    assert (second.start - first.start) // oracle.DAY == 1461
