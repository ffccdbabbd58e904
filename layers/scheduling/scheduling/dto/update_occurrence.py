"""The body of PATCH /sessions/{sessionId}/occurrences/{date}."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import READ_ONLY, DateTime, Description, Input, Name, unset
from scheduling.errors import Fault


class UpdateOccurrence(Input):
    """The fields to change in one occurrence.

    Omitted times are the times of the occurrence. Any other omitted field keeps the value of the series.
    """

    read_only = READ_ONLY
    partial = True

    name: Name = Field(default_factory=unset, description="1 to 200 characters after trimming.")
    startDateTime: DateTime = Field(
        default_factory=unset,
        description="ISO 8601 with an offset or Z. By default the start of the occurrence.",
    )
    endDateTime: DateTime | None = Field(
        None,
        description="ISO 8601 with an offset or Z, after startDateTime. By default the end of the occurrence.",
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields, partial=True)
