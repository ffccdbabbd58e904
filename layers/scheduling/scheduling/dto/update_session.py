"""The body of PATCH /sessions/{sessionId}."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from scheduling.domain import session
from scheduling.dto import Name, Reference, SessionType, unset
from scheduling.dto.create_session import CreateSession
from scheduling.errors import Fault


class UpdateSession(CreateSession):
    """The fields of a session to change; null clears one. What is not sent stays as it is."""

    partial = True

    type: SessionType = Field(default_factory=unset, description="ONE_TIME clears the cycle and its fields.")
    timelineId: Reference = Field(default_factory=unset, description="The timeline to move the session to.")
    name: Name = Field(
        default_factory=unset, description="1 to 200 characters, not counting white space at the ends."
    )

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields, partial=True)
