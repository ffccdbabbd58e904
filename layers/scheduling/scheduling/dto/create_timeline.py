"""The body of POST /timelines."""

from pydantic import Field

from scheduling.dto import READ_ONLY, Description, Input, Name, OwnerId


class CreateTimeline(Input):
    """A timeline to create."""

    read_only = READ_ONLY

    name: Name = Field(description="1 to 200 characters after trimming.")
    description: Description | None = Field(None, description="Up to 4,000 characters.")
    ownerId: OwnerId | None = Field(
        None,
        description="The user or resource whose time the sessions occupy; by default the caller. "
        "Only an ADMIN may set another owner.",
    )
