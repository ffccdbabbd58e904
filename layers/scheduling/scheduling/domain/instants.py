"""Instants as integers: microseconds since 0001-01-01T00:00:00Z.

Instants are integers because `datetime` ends with the year 9999, but an endless series does not.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE

ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?"
    r"(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))",
    re.ASCII,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
END_OF_TIME = date.max.toordinal() * DAY


class Moment(NamedTuple):
    """A date and time with the UTC offset that the client wrote."""

    instant: int
    """Microseconds since 0001-01-01T00:00:00Z."""
    offset: int
    """The UTC offset in microseconds."""

    @property
    def local(self) -> int:
        """Return the local time: microseconds since 0001-01-01T00:00:00 local time."""
        return self.instant + self.offset


@lru_cache  # the update of a session parses the same four texts 40 times
def parse(text: str) -> Moment:
    """Parse an ISO 8601 date and time with an offset or `Z`.

    Raises:
        ValueError: the text has another format, the date does not exist, or the time is outside the years 1 to 9999
            in UTC. The client receives the message.
    """
    match = ISO_8601.fullmatch(text)
    if not match:
        raise ValueError("Must be an ISO 8601 date and time with an offset or Z, like 2023-12-01T09:00:00Z.")
    day, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    try:
        midnight = (date.fromisoformat(day).toordinal() - 1) * DAY
    except ValueError:
        raise ValueError("Must be a date that exists.") from None
    local = midnight + (int(hour) * 60 + int(minute)) * MINUTE
    local += int(second or 0) * 1_000_000 + int((fraction or "").ljust(6, "0"))
    offset = (int(offset_hour) * 60 + int(offset_minute)) * MINUTE if sign else 0
    if sign == "-":
        offset = -offset
    if not 0 <= local - offset < END_OF_TIME:
        raise ValueError("Must lie within the years 1 to 9999 in UTC.")
    return Moment(local - offset, offset)


def day_number(text: str) -> int:
    """Return the number of the day of a date such as `2026-06-30`. Day 0 is 0001-01-01.

    Raises:
        ValueError: the text has another format, or the date does not exist. The client receives the message.
    """
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).toordinal() - 1
    except ValueError:
        pass
    raise ValueError("Must be a date that exists, like 2026-06-30.")


def date_text(day: int) -> str | None:
    """Return the date of a day number, such as `2026-06-30`; None outside the years 1 to 9999."""
    return date.fromordinal(day + 1).isoformat() if 0 <= day < date.max.toordinal() else None


def offset_text(offset: int) -> str:
    """Return a UTC offset in ISO 8601, such as `+02:00`."""
    hours, minutes = divmod(abs(offset) // MINUTE, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def utc_text(instant: int) -> str:
    """Return the instant as a UTC text of a fixed width, so that sorted texts are in the order of time.

    An instant after the year 9999 becomes `~`, which sorts after all dates.
    """
    return _format_time(instant, digits=6) + "Z" if instant < END_OF_TIME else "~"


def local_text(instant: int, offset: int) -> str | None:
    """Return the instant in ISO 8601 with a UTC offset; None if the local time is outside the years 1 to 9999."""
    if not 0 <= instant + offset < END_OF_TIME:
        return None
    return _format_time(instant + offset) + (offset_text(offset) if offset else "Z")


def _format_time(microseconds: int, digits: int | None = None) -> str:
    days, rest = divmod(microseconds, DAY)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, 1_000_000)
    text = f"{date.fromordinal(days + 1)}T{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return f"{text}.{fraction:06}" if fraction or digits else text
