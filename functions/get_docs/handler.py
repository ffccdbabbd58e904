"""GET /docs, GET /docs/{file}, GET /openapi.json: serve the files of the documentation page."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scheduling.errors import NotFound
from scheduling.http.envelope import failure

FILES = Path(__file__).parent / "files"

Event = Mapping[str, Any]
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


def lambda_handler(event: Event, context: Any) -> Response:
    return serve(FILES, event)


def serve(folder: Path, event: Event) -> Response:
    """The file of that folder that the path names: /docs is index.html, /docs/x is x, and else /x is x."""
    path = str(event["rawPath"]).rpartition("/")[2]
    name = "index.html" if path == "docs" else path
    stored = {found.name: found for found in folder.iterdir()}.get(f"{name}.gz")
    if stored is None:
        body = failure(NotFound(), str(event["requestContext"]["requestId"]))
        return _response(404, "application/json", json.dumps(body).encode())
    content = stored.read_bytes()
    headers = {key.lower(): value for key, value in event["headers"].items()}
    if "gzip" in headers.get("accept-encoding", ""):
        return _response(200, _KINDS[Path(name).suffix], content, "gzip")
    return _response(200, _KINDS[Path(name).suffix], gzip.decompress(content))


def _response(status: int, kind: str, content: bytes, encoding: str | None = None) -> Response:
    headers = {"Content-Type": kind, "Cache-Control": "no-cache", **_HEADERS}
    if encoding:
        headers["Content-Encoding"] = encoding
    return {
        "statusCode": status,
        "headers": headers,
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
    }
