"""The body of PATCH /sessions/{sessionId}."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import Name, Reference, SessionType, unset
from scheduling.dto.create_session import CreateSession
from scheduling.errors import Fault


class UpdateSession(CreateSession):
    """The fields to change in a session. null clears a field, except type, timelineId and name.

    An omitted field stays unchanged, unless its value no longer fits the changed fields.
    """

    partial = True

    type: SessionType = Field(
        default_factory=unset, description="Setting ONE_TIME clears all recurrence fields except timeZone."
    )
    timelineId: Reference = Field(default_factory=unset, description="The timeline to move the session to.")
    name: Name = Field(default_factory=unset, description="1 to 200 characters after trimming.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields, partial=True)
