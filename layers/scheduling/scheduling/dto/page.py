"""Queries of lists: the parameters that several lists share."""

from typing import Annotated

from pydantic import Field

from scheduling.dto import Flag, Input, WholeNumber


class Page(Input):
    """One page of a list."""

    skip: Annotated[
        WholeNumber, Field(ge=0, le=10**18 - 1, description="The number of rows to skip from the beginning.")
    ] = 0
    take: Annotated[WholeNumber, Field(ge=1, le=100, description="The maximum number of rows to return.")] = (
        10
    )


class EntityPage(Page):
    """One page of a list of sessions or timelines."""

    etags: Flag = Field(
        False, description="If true, `meta.meta.etags` has the ETag of each row, in the order of `data`."
    )
