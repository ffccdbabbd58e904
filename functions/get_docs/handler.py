"""GET /docs, GET /docs/{file}, GET /openapi.json: a page that shows the API and lets one try it out."""

from pathlib import Path
from typing import Any

from scheduling.page import Event, Response, serve

FILES = Path(__file__).parent / "files"


def lambda_handler(event: Event, context: Any) -> Response:
    return serve(FILES, event)
