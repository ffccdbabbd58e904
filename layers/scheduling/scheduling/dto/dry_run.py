"""The query of POST and PATCH /sessions."""

from pydantic import Field

from scheduling.dto import Flag, Input


class DryRun(Input):
    """Query parameters of a write."""

    dryRun: Flag = Field(
        False,
        description="If true, the API checks the request and writes nothing. The response is that of the write.",
    )
