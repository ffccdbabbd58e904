"""Validation of the combination of the fields of a schedule."""

from collections.abc import Iterator, Mapping
from typing import Any

from scheduling.domain.instants import MINUTE, Moment, local_text, offset_text, parse
from scheduling.domain.recurrence import RULE_FIELDS, Series, overlaps_itself, schedule
from scheduling.domain.time_zones import Clock, zone_clock, zone_names
from scheduling.errors import Fault

_CLOCK_FIELDS = ("timeZone", "startDateTime", "endDateTime")
_TIMES = ("startDateTime", "endDateTime")


def normalize(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields. If the fields have a known time zone, replace the `Z` of each time by the zone's UTC offset.

    Keep the `Z` if the offset is zero or has seconds, or if the local time is outside the years 1 to 9999.

    A time with an offset contains the local time, but a time with `Z` does not. So if the rules of the time zone change
    later, a series with an offset keeps its local time.
    """
    zone = fields.get("timeZone")
    if not zone or zone not in zone_names():
        return dict(fields)
    return {**fields, **{field: _write_offset(fields[field], zone) for field in _TIMES if fields.get(field)}}


def _write_offset(text: str, zone: str) -> str:
    if not text.endswith("Z"):
        return text
    instant = parse(text).instant
    offset = zone_clock(zone).offset(instant)
    if offset == 0 or offset % MINUTE:
        return text
    return local_text(instant, offset) or text


def faults(
    fields: Mapping[str, Any], before: Mapping[str, Any] | None = None, *, partial: bool = False
) -> Iterator[Fault]:
    """Yield the faults in the combination of fields. Ignore absent fields. The caller has already validated each field.

    Args:
        fields: The fields of a session, or some of them.
        before: The stored fields, if the session exists. If the times and the time zone stay the same, the times may
            keep UTC offsets that a newer time zone database no longer has.
        partial: Whether the fields come from a PATCH. Then some fields of the series may be absent.
    """
    fields = normalize(fields)
    start, end, zone = fields.get("startDateTime"), fields.get("endDateTime"), fields.get("timeZone")
    cycle = fields.get("repeatCycleType")
    found: list[Fault] = []
    if end and _is_null(fields, "startDateTime"):
        found.append(Fault("startDateTime", "Is required when endDateTime is set.", "REQUIRED"))
    if start and end and parse(end).instant <= parse(start).instant:
        found.append(Fault("endDateTime", "Must be after startDateTime.", "NOT_AFTER_START"))
    if zone and zone not in zone_names():
        found.append(
            Fault(
                "timeZone",
                "Must be the name of a time zone in the IANA database, such as Europe/Berlin.",
                "UNKNOWN_VALUE",
            )
        )
    elif zone and not (before and all(fields.get(field) == before.get(field) for field in _CLOCK_FIELDS)):
        found += _find_offset_faults(fields, zone_clock(zone), repeats=bool(cycle))
    comparable = not found
    found += _find_rule_faults(fields)
    yield from found
    if start and cycle and comparable and not partial and not _rule_is_wrong(fields, found):
        yield from _find_series_faults(fields)


def _find_offset_faults(fields: Mapping[str, Any], clock: Clock, *, repeats: bool) -> Iterator[Fault]:
    """Yield the faults of times that do not fit the time zone."""
    for field in _TIMES:
        if not fields.get(field):
            continue
        moment = parse(fields[field])
        offset = clock.offset(moment.instant)
        if offset % MINUTE:
            yield Fault(
                field,
                "Must be a later time: at this time, the UTC offset of timeZone was not a whole number of minutes.",
            )
        elif offset != moment.offset:
            yield Fault(field, _describe_wrong_offset(moment, offset), "WRONG_OFFSET")
        elif repeats and clock.instant(moment.local) != moment.instant:
            yield Fault(
                field,
                "Must not be a local time that the clocks show for the second time, after they were set back. "
                "A series uses the first of the two times.",
            )


def _describe_wrong_offset(moment: Moment, offset: int) -> str:
    if local_text(moment.instant, offset) is None:
        return "Must lie within the years 1 to 9999 in the local time of timeZone."
    return f"Must have the UTC offset that timeZone has at this time ({offset_text(offset)}), or Z."


def _find_rule_faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of fields that do not apply to the type or the cycle, or that exclude each other."""
    if fields.get("type") == "ONE_TIME":
        for field in ("repeatCycleType", *RULE_FIELDS):
            if fields.get(field):
                yield Fault(field, "Applies only to RECURRING sessions.", "NOT_APPLICABLE")
        return
    cycle = fields.get("repeatCycleType")
    for field in RULE_FIELDS:
        if not fields.get(field):
            continue
        if field.startswith("recurring"):
            if _is_null(fields, "repeatCycleType") or cycle not in (None, "WEEKLY"):
                yield Fault(field, "Applies only to WEEKLY sessions.", "NOT_APPLICABLE")
        elif _is_null(fields, "repeatCycleType"):
            yield Fault(field, "Applies only to sessions with a repeatCycleType.", "NOT_APPLICABLE")
    if fields.get("recurringDayOfWeek") and fields.get("recurringDaysOfWeek"):
        yield Fault("recurringDaysOfWeek", "Must not be combined with recurringDayOfWeek.", "NOT_APPLICABLE")
    if fields.get("repeatUntil") and fields.get("repeatCount"):
        yield Fault("repeatCount", "Must not be combined with repeatUntil.", "NOT_APPLICABLE")


def _rule_is_wrong(fields: Mapping[str, Any], found: list[Fault]) -> bool:
    """Return whether the fields do not form a valid recurrence rule."""
    return fields.get("type") == "ONE_TIME" or any(fault.field in RULE_FIELDS for fault in found)


def _find_series_faults(fields: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the whole series: occurrences that overlap each other, or no occurrence at all."""
    series = schedule(fields)
    assert isinstance(series, Series)
    if fields.get("endDateTime") and overlaps_itself(series):
        yield Fault("endDateTime", "Must not be after the start of the next occurrence.", "OVERLAPS_ITSELF")
    if series._replace(excluded=frozenset()).next(0) is None:
        yield Fault(
            "repeatUntil",
            "Must not be before the first occurrence.",
            "NO_OCCURRENCE",
        )
    elif series.next(0) is None:
        yield Fault(
            "excludedDates",
            "Must not exclude every occurrence.",
            "NO_OCCURRENCE",
        )


def _is_null(fields: Mapping[str, Any], field: str) -> bool:
    """Return whether a field is present and null."""
    return field in fields and fields[field] is None
