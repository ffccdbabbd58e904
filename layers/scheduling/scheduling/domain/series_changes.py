"""Changes to a part of a series: to one occurrence, or to all occurrences on and after a date.

A date names an occurrence: the date on which the occurrence starts, in the local time of the series. If the clocks skip
the start time, the occurrence may start after midnight. Then the date before midnight names the occurrence.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from scheduling.domain import session
from scheduling.domain.instants import date_text, day_number
from scheduling.domain.recurrence import (
    SCHEDULE_FIELDS,
    Series,
    begin_at,
    ends_by_9999,
    local_times,
    schedule,
)
from scheduling.domain.session import Session
from scheduling.errors import BadRequest, FirstOccurrence, LastOccurrence, NoOccurrence, TooManyExcludedDates

MAX_EXCLUDED_DATES = 366

_COPIED = ("timelineId", "name", "description", "timeZone")
"""The fields that a changed occurrence copies from its series."""


class Division(NamedTuple):
    """The rest of a series, and the new session that replaces the other part of the series."""

    series: Session
    new: Session


def delete_occurrence(series: Session, date: str, now: str) -> Session:
    """Return the series without its occurrence on a date. Return the same object if the date is already excluded.

    Raises:
        NoOccurrence: even without excluded dates, the series would have no occurrence on the date, or the occurrence
            ends after the year 9999.
        LastOccurrence: the series has no other occurrence.
        TooManyExcludedDates: the series already excludes 366 dates.
    """
    times, day = _read_schedule(series), _parse_day(date)
    if day in times.excluded and times._replace(excluded=frozenset()).has(day):
        return series
    return _exclude_date(series, date, now)


def update_occurrence(series: Session, date: str, fields: Mapping[str, Any], id: str, now: str) -> Division:
    """Return the series without its occurrence on a date, and the changed occurrence as a ONE_TIME session.

    Raises:
        NoOccurrence: the series has no occurrence on the date, or the occurrence ends after the year 9999.
        LastOccurrence: the series has no other occurrence.
        TooManyExcludedDates: the series already excludes 366 dates.
        BadRequest: the changed occurrence is not valid.
    """
    rest = _exclude_date(series, date, now)
    start, end = local_times(series, _read_schedule(series).on(_parse_day(date)))
    occurrence = {
        **{field: series.get(field) for field in _COPIED},
        "type": "ONE_TIME",
        **_require_times(series, start, end),
        "seriesId": series["id"],
        "originalDate": date,
    }
    new = session.create({**occurrence, **fields}, id, series["ownerId"], now)
    _require_valid(new, occurrence)
    return Division(rest, new)


def split(series: Session, date: str, fields: Mapping[str, Any], id: str, now: str) -> Division:
    """End a series on the day before a date. Return the ended series, and a new series that begins on the date.

    In the new series, `fields` replaces fields of the old series.

    Raises:
        NoOccurrence: the series has no occurrence on the date, or the occurrence ends after the year 9999.
        FirstOccurrence: the series has no occurrence before the date.
        BadRequest: the new series is not valid.
    """
    times, day = _read_schedule(series), _parse_day(date)
    if not times.has(day):
        raise NoOccurrence
    excluded, count = series.get("excludedDates", []), series.get("repeatCount")
    end = {
        "repeatUntil": date_text(day - 1),
        "repeatCount": None,
        "excludedDates": [each for each in excluded if each < date] or None,
    }
    owner = series["ownerId"]
    earlier = session.update(series, end, owner, now) if day > times.first else series
    if earlier is series or _read_schedule(earlier).next(0) is None:
        raise FirstOccurrence
    rest = {
        **series,
        **_require_times(series, *begin_at(series, day)),
        "repeatCount": count and count - _count_days(times, day),
        "excludedDates": [each for each in excluded if each >= date] or None,
    }
    later = session.update(cast(Session, rest), fields, owner, now)
    copied = ("type", "timelineId", "name", "description", *SCHEDULE_FIELDS)
    new = session.create({field: later.get(field) for field in copied}, id, owner, now)
    _require_valid(new, rest)
    return Division(earlier, new)


def _exclude_date(series: Session, date: str, now: str) -> Session:
    """Return the series with one more excluded date. The series must have an occurrence on this date."""
    times, day = _read_schedule(series), _parse_day(date)
    if not times.has(day) or not ends_by_9999(series, times.on(day)):
        raise NoOccurrence
    dates = [*series.get("excludedDates", []), date]
    if len(dates) > MAX_EXCLUDED_DATES:
        raise TooManyExcludedDates
    changed = session.update(series, {"excludedDates": dates}, series["ownerId"], now)
    if _read_schedule(changed).next(0) is None:
        raise LastOccurrence
    return changed


def _read_schedule(series: Session) -> Series:
    times = schedule(series)
    if not isinstance(times, Series):
        raise NoOccurrence
    return times


def _parse_day(date: str) -> int:
    try:
        return day_number(date)
    except ValueError:
        raise NoOccurrence from None


def _require_times(series: Session, start: str | None, end: str | None) -> dict[str, str | None]:
    """Return the start and the end as fields. Raise NoOccurrence if the start or the end is after the year 9999."""
    if start is None or (end is None and "endDateTime" in series):
        raise NoOccurrence
    return {"startDateTime": start, "endDateTime": end}


def _count_days(times: Series, end: int) -> int:
    """Return the number of days that the rule names from the first day of the series to the day before `end`."""
    count, day = 0, times.rule.on_or_after(times.first)
    while day < end:
        count, day = count + 1, times.rule.on_or_after(day + 1)
    return count


def _require_valid(new: Session, before: Mapping[str, Any]) -> None:
    if faults := tuple(session.faults(session.view(new), cast(Session, before))):
        raise BadRequest(*faults)
