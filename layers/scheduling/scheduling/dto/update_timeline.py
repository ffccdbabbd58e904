"""The body of PATCH /timelines/{timelineId}."""

from pydantic import Field

from scheduling.dto import READ_ONLY, Description, Input, Name, unset


class UpdateTimeline(Input):
    """The fields to change in a timeline. null clears the description. An omitted field stays unchanged."""

    read_only = READ_ONLY | {"ownerId"}
    partial = True

    name: Name = Field(default_factory=unset, description="1 to 200 characters after trimming.")
    description: Description | None = Field(None, description="Up to 4,000 characters.")
