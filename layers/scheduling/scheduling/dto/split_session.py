"""The body of POST /sessions/{sessionId}/split."""

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
    RepeatCycle,
    TimeZone,
    Weekdays,
    unset,
)
from scheduling.dto.create_session import CreateSession
from scheduling.errors import Fault


def _copy_field(field: str) -> Any:
    return Field(None, description=CreateSession.model_fields[field].description)


class SplitSession(Input):
    """The date of the split, and the changed fields of the new series.

    An omitted field keeps the value of the old series, except the times, `repeatCount` and `excludedDates`. If omitted,
    these fields describe the remaining occurrences.
    """

    read_only = READ_ONLY
    partial = True

    date: Date = Field(description="The local date of the first occurrence that the new series replaces.")
    name: Name = Field(default_factory=unset, description="1 to 200 characters after trimming.")
    startDateTime: DateTime = Field(
        default_factory=unset,
        description="ISO 8601 with an offset or Z. By default the start of the occurrence on `date`.",
    )
    endDateTime: DateTime | None = _copy_field("endDateTime")
    repeatCycleType: RepeatCycle | None = _copy_field("repeatCycleType")
    recurringDayOfWeek: DayOfWeek | None = _copy_field("recurringDayOfWeek")
    timeZone: TimeZone | None = _copy_field("timeZone")
    repeatInterval: OneTo999 | None = _copy_field("repeatInterval")
    recurringDaysOfWeek: Weekdays | None = _copy_field("recurringDaysOfWeek")
    repeatUntil: Date | None = _copy_field("repeatUntil")
    repeatCount: OneTo999 | None = _copy_field("repeatCount")
    excludedDates: Dates | None = _copy_field("excludedDates")
    description: Description | None = _copy_field("description")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields, partial=True)
