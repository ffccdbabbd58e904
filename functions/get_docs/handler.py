"""GET /docs, GET /docs/{file} and GET /openapi.json: serve the documentation page."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from scheduling.errors import NotFound
from scheduling.http.content_encoding import accepts_gzip
from scheduling.http.envelope import failure
from scheduling.http.event import HttpEvent, read_event

FILES = Path(__file__).parent / "files"

Response = dict[str, Any]

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
}


def lambda_handler(event: object, context: Any) -> Response:
    return serve(FILES, read_event(event))


def serve(folder: Path, event: HttpEvent) -> Response:
    """Return the file that the last part of the path names. The path /docs returns index.html."""
    path = event.path.rpartition("/")[2]
    name = "index.html" if path == "docs" else path
    stored = {found.name: found for found in folder.iterdir()}.get(f"{name}.gz")
    if stored is None:
        body = json.dumps(failure(NotFound(), event.request_id))
        return _build_response(404, "application/json", body.encode(), event)
    content = stored.read_bytes()
    if accepts_gzip(event.headers.get("accept-encoding", "")):
        return _build_response(200, _KINDS[Path(name).suffix], content, event, "gzip")
    return _build_response(200, _KINDS[Path(name).suffix], gzip.decompress(content), event)


def _build_response(
    status: int, kind: str, content: bytes, event: HttpEvent, encoding: str | None = None
) -> Response:
    headers = {
        "Content-Type": kind,
        "Cache-Control": "no-cache",
        "X-Request-Id": event.request_id,
        **_HEADERS,
    }
    if encoding:
        headers["Content-Encoding"] = encoding
    return {
        "statusCode": status,
        "headers": headers,
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
    }
