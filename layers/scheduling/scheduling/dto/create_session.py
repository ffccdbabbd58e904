"""The body of POST /sessions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import (
    READ_ONLY,
    DateTime,
    DayOfWeek,
    Description,
    Input,
    Name,
    Reference,
    RepeatCycle,
    SessionType,
)
from scheduling.errors import Fault


class CreateSession(Input):
    """A session to schedule."""

    read_only = READ_ONLY

    type: SessionType = Field(description="Whether it takes place once or again and again.")
    timelineId: Reference = Field(description="The timeline (routine) that it belongs to.")
    name: Name = Field(description="1 to 200 characters, not counting white space at the ends.")
    startDateTime: DateTime | None = Field(
        None, description="ISO 8601 with an offset or Z. Recurrence is reckoned in this offset."
    )
    endDateTime: DateTime | None = Field(
        None, description="After startDateTime; the session occupies the time up to it, itself not included."
    )
    repeatCycleType: RepeatCycle | None = Field(
        None, description="How often a RECURRING session takes place. Until it is set, only once."
    )
    recurringDayOfWeek: DayOfWeek | None = Field(
        None, description="The day of a WEEKLY session; null means the weekday of startDateTime."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields)
