"""The query of requests that accept `dryRun`."""

from pydantic import Field

from scheduling.dto import Flag, Input


class DryRun(Input):
    """Query parameters of a request that accepts `dryRun`."""

    dryRun: Flag = Field(
        False,
        description="If true, the API checks the request and writes nothing. "
        "The body of the response has the same fields as without dryRun.",
    )
