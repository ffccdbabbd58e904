"""The query of GET /sessions."""

from pydantic import Field

from scheduling.dto import DateTime, Reference, SortOrder
from scheduling.dto.page import EntityPage


class ListSessions(EntityPage):
    """Which sessions, in which order."""

    timelineId: Reference | None = Field(None, description="Only the sessions of this timeline.")
    startDateTimeSortOrder: SortOrder = Field(
        "DESC", description="Sessions without a start come last in both."
    )
    startDateTimeFrom: DateTime | None = Field(None, description="Only sessions that start then or later.")
    startDateTimeTo: DateTime | None = Field(None, description="Only sessions that start before then.")
