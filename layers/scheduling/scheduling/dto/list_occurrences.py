"""The query of GET /occurrences."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from scheduling.domain.instants import DAY, parse
from scheduling.dto import DateTime, OwnerId, Reference, WholeNumber
from scheduling.dto.page import Page
from scheduling.errors import Fault

MAX_DAYS = 366


class ListOccurrences(Page):
    """Window, filters and page of a list of occurrences."""

    repeatable = frozenset({"timelineId"})

    take: Annotated[
        WholeNumber, Field(ge=1, le=1000, description="The greatest number of rows to return.")
    ] = 100
    from_: DateTime = Field(
        alias="from", description="The start of the window. Occurrences that end after `from` are included."
    )
    to: DateTime = Field(
        description=f"The end of the window, at most {MAX_DAYS} days after `from`. "
        "Occurrences that start before `to` are included."
    )
    timelineId: Annotated[list[Reference], Field(max_length=10)] | None = Field(
        None, description="Only the sessions of this timeline. Repeat the parameter for several timelines."
    )
    ownerId: OwnerId | None = Field(
        None,
        description="Only the timelines of this owner. By default, a USER sees their own calendar; "
        "ADMIN and MANAGER must name an owner or a timeline.",
    )

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        """Return the faults of the window."""
        if not (fields.get("from") and fields.get("to")):
            return
        length = parse(fields["to"]).instant - parse(fields["from"]).instant
        if length <= 0:
            yield Fault("to", "Must be after from.", "NOT_AFTER_START")
        elif length > MAX_DAYS * DAY:
            yield Fault("to", f"Must be at most {MAX_DAYS} days after from.", "TOO_LARGE")
