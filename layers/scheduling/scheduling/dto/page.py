"""Which part of a list: what all lists take."""

from typing import Annotated

from pydantic import Field

from scheduling.dto import Input, WholeNumber


class Page(Input):
    """Which part of a list."""

    skip: Annotated[
        WholeNumber, Field(ge=0, le=10**18 - 1, description="How many to leave out from the beginning.")
    ] = 0
    take: Annotated[WholeNumber, Field(ge=1, le=100, description="How many to return at the most.")] = 10
