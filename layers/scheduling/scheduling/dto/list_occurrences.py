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
    """Time window, filters and page of a list of occurrences."""

    repeatable = frozenset({"timelineId"})

    take: Annotated[
        WholeNumber, Field(ge=1, le=1000, description="The maximum number of rows to return.")
    ] = 100
    from_: DateTime = Field(
        alias="from",
        description="The start of the time window. The list contains occurrences that end after `from`, "
        "and occurrences without an end that start at `from` or later.",
    )
    to: DateTime = Field(
        description=f"The end of the time window, at most {MAX_DAYS} days after `from`. "
        "The list contains occurrences that start before `to`."
    )
    timelineId: Annotated[list[Reference], Field(max_length=10)] | None = Field(
        None, description="Only occurrences on this timeline. Repeat the parameter for up to ten timelines."
    )
    ownerId: OwnerId | None = Field(
        None,
        description="Only occurrences of this owner's sessions. By default, a USER gets the occurrences of their own "
        "sessions. An ADMIN or MANAGER must send `ownerId` or `timelineId`.",
    )

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        """Return the faults of the time window."""
        if not (fields.get("from") and fields.get("to")):
            return
        length = parse(fields["to"]).instant - parse(fields["from"]).instant
        if length <= 0:
            yield Fault("to", "Must be after from.", "NOT_AFTER_START")
        elif length > MAX_DAYS * DAY:
            yield Fault("to", f"Must be at most {MAX_DAYS} days after from.", "TOO_LARGE")
