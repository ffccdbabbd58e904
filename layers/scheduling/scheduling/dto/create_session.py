"""The body of POST /sessions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import (
    READ_ONLY,
    Date,
    Dates,
    DateTime,
    DayOfWeek,
    Description,
    Input,
    Name,
    OneTo999,
    Reference,
    RepeatCycle,
    SessionType,
    TimeZone,
    Weekdays,
)
from scheduling.errors import Fault


class CreateSession(Input):
    """A session to create."""

    read_only = READ_ONLY

    type: SessionType = Field(
        description="ONE_TIME takes place once; RECURRING repeats if repeatCycleType is set."
    )
    timelineId: Reference = Field(description="The id of the timeline (also called routine) of the session.")
    name: Name = Field(description="1 to 200 characters after trimming.")
    startDateTime: DateTime | None = Field(
        None,
        description="ISO 8601 with an offset or Z. All occurrences of a series without a timeZone have this offset.",
    )
    endDateTime: DateTime | None = Field(
        None,
        description="ISO 8601 with an offset or Z, after startDateTime. This instant is not part of the session.",
    )
    repeatCycleType: RepeatCycle | None = Field(
        None,
        description="The cycle in which a RECURRING session repeats. Without a cycle, the session takes place once.",
    )
    recurringDayOfWeek: DayOfWeek | None = Field(
        None, description="The weekday of a WEEKLY session. By default, the weekday of startDateTime."
    )
    timeZone: TimeZone | None = Field(
        None,
        description="An IANA time zone such as Europe/Berlin. A series follows the clock of the zone: 09:00 stays "
        "09:00. startDateTime and endDateTime must have the offset of the zone, or Z. "
        "If null, all occurrences have the offset of startDateTime.",
    )
    repeatInterval: OneTo999 | None = Field(
        None,
        description="With 2, the series takes place every second day, week, month or year. null means 1. "
        "Weeks begin on Monday.",
    )
    recurringDaysOfWeek: Weekdays | None = Field(
        None,
        description="Several weekdays of a WEEKLY session. Not allowed together with recurringDayOfWeek.",
    )
    repeatUntil: Date | None = Field(
        None,
        description="The last local date on which an occurrence may start. "
        "Without repeatUntil and repeatCount, the series never ends.",
    )
    repeatCount: OneTo999 | None = Field(
        None,
        description="The number of occurrences. Excluded dates count as occurrences. "
        "Not allowed together with repeatUntil.",
    )
    excludedDates: Dates | None = Field(
        None, description="Local dates on which no occurrence starts, such as holidays."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields)
