"""The body of POST /timelines."""

from pydantic import Field

from scheduling.dto import READ_ONLY, Description, Input, Name, OwnerId


class CreateTimeline(Input):
    """A timeline to make."""

    read_only = READ_ONLY

    name: Name = Field(description="1 to 200 characters, not counting white space at the ends.")
    description: Description | None = Field(None, description="Up to 4,000 characters.")
    ownerId: OwnerId | None = Field(
        None, description="Whose time its sessions take. Only an ADMIN may name another than themselves."
    )
