"""The body of PATCH /timelines/{timelineId}."""

from pydantic import Field

from scheduling.dto import READ_ONLY, Description, Input, Name, unset


class UpdateTimeline(Input):
    """The fields of a timeline to change; null clears one. What is not sent stays as it is."""

    read_only = READ_ONLY | {"ownerId"}
    partial = True

    name: Name = Field(
        default_factory=unset, description="1 to 200 characters, not counting white space at the ends."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")
