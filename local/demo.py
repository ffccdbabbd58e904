"""Demo timeline with the id of the reference's examples, created through the layer.

The API generates the id of every timeline, so the API cannot create this one. local/stack.py runs this module in a
separate process with a function's environment:

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
    """Create the demo timeline, unless the timeline exists or was deleted."""
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
