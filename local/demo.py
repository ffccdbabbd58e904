"""Demo timeline with the id that the examples of README.md use.

The API does not let clients choose the id of a timeline. So this module calls the layer's code directly.
local/stack.py runs this module in a separate process, with the tables' names in the environment:

    python demo.py TIMELINE_ID OWNER_ID
"""

import sys
from datetime import UTC, datetime

from scheduling.domain.permissions import Principal
from scheduling.services import timelines
from scheduling.services.request import Request
from scheduling.settings import setting
from scheduling.store.queries import get


def main(timeline_id: str, owner_id: str) -> None:
    """Create the demo timeline, unless it exists or was deleted."""
    if get(setting("TIMELINES_TABLE"), id=timeline_id):
        return
    timelines.create(
        Request(
            principal=Principal(owner_id, frozenset({"USER"})),
            path={},
            fields={"name": "Yoga studio", "description": "The timeline of the examples"},
            now=datetime.now(UTC),
            new_id=timeline_id,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
