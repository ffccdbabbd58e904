"""The query of GET /timelines."""

from scheduling.dto.page import Page


class ListTimelines(Page):
    """Which timelines."""
