"""The query of POST and PATCH /sessions."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from scheduling.dto import Input


def _flag(text: object) -> Any:
    """Return the boolean that a query parameter spells. pydantic refuses everything else."""
    return {"true": True, "false": False}.get(str(text), text)


class DryRun(Input):
    """Query parameters of a write."""

    dryRun: Annotated[bool, BeforeValidator(_flag)] = Field(
        False,
        description="true checks the request, writes nothing and answers what the request would have done.",
    )
