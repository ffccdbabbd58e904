"""The query of GET /timelines."""

from scheduling.dto.page import EntityPage


class ListTimelines(EntityPage):
    """Filters and page of a list of timelines."""
