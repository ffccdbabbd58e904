"""The query of GET /sessions."""

from typing import Annotated

from pydantic import Field

from scheduling.dto import DateTime, Reference, SessionType, SortOrder
from scheduling.dto.page import EntityPage


class ListSessions(EntityPage):
    """Filters, order and page of a list of sessions."""

    repeatable = frozenset({"timelineId"})

    timelineId: Annotated[list[Reference], Field(min_length=1, max_length=10)] | None = Field(
        None, description="Only the sessions of this timeline. Repeat the parameter for up to ten timelines."
    )
    type: SessionType | None = Field(None, description="Only sessions of this type.")
    startDateTimeSortOrder: SortOrder = Field(
        "DESC", description="The order of the starts. Sessions without a start come last in both orders."
    )
    startDateTimeFrom: DateTime | None = Field(
        None, description="Only sessions that start at this instant or later."
    )
    startDateTimeTo: DateTime | None = Field(
        None, description="Only sessions that start before this instant."
    )
