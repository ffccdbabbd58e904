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


def _as_in_create(field: str) -> Any:
    return Field(None, description=CreateSession.model_fields[field].description)


class SplitSession(Input):
    """The first date of the new series, and its fields. A field that is not sent keeps the value of the old series."""

    read_only = READ_ONLY
    partial = True

    date: Date = Field(description="The local date of the first occurrence of the new series.")
    name: Name = Field(default_factory=unset, description="1 to 200 characters after trimming.")
    startDateTime: DateTime = Field(
        default_factory=unset,
        description="ISO 8601 with an offset or Z. By default the start of the occurrence on `date`.",
    )
    endDateTime: DateTime | None = _as_in_create("endDateTime")
    repeatCycleType: RepeatCycle | None = _as_in_create("repeatCycleType")
    recurringDayOfWeek: DayOfWeek | None = _as_in_create("recurringDayOfWeek")
    timeZone: TimeZone | None = _as_in_create("timeZone")
    repeatInterval: OneTo999 | None = _as_in_create("repeatInterval")
    recurringDaysOfWeek: Weekdays | None = _as_in_create("recurringDaysOfWeek")
    repeatUntil: Date | None = _as_in_create("repeatUntil")
    repeatCount: OneTo999 | None = _as_in_create("repeatCount")
    excludedDates: Dates | None = _as_in_create("excludedDates")
    description: Description | None = _as_in_create("description")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields, partial=True)
