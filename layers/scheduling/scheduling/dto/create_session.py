"""The body of POST /sessions."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import (
    READ_ONLY,
    Cycle,
    DateTime,
    Description,
    Input,
    Name,
    Reference,
    SessionType,
    Weekday,
)
from scheduling.errors import Fault


class CreateSession(Input):
    """A session to create."""

    read_only = READ_ONLY

    type: SessionType = Field(description="ONE_TIME takes place once; RECURRING repeats.")
    timelineId: Reference = Field(description="The id of the timeline (routine) that the session belongs to.")
    name: Name = Field(description="1 to 200 characters after trimming.")
    startDateTime: DateTime | None = Field(
        None, description="ISO 8601 with an offset or Z. The series repeats in this offset."
    )
    endDateTime: DateTime | None = Field(
        None,
        description="ISO 8601 with an offset or Z, after startDateTime. The session does not occupy this instant.",
    )
    repeatCycleType: Cycle | None = Field(
        None,
        description="How often a RECURRING session repeats. Without a cycle only its first interval is occupied.",
    )
    recurringDayOfWeek: Weekday | None = Field(
        None, description="The weekday of a WEEKLY session; by default the weekday of startDateTime."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields)
