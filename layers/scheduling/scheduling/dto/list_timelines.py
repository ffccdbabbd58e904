"""The query of GET /timelines."""

from scheduling.dto.page import EntityPage


class ListTimelines(EntityPage):
    """Page of a list of timelines."""
