"""Renderer of docs/guide.md as a page beside /docs.

python -m tools.guide        writes functions/get_docs/page/guide.html (`make openapi`)
"""

import re
from itertools import pairwise

from markdown_it import MarkdownIt

from tools.openapi import ROOT

GUIDE = ROOT / "docs" / "guide.md"
PAGE = ROOT / "functions" / "get_docs" / "page" / "guide.html"

FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sessions API: guide for client developers</title>
<link rel="icon" type="image/png" href="favicon-32x32.png">
<link rel="stylesheet" href="page.css">
</head>
<body>
<main class="prose">
<!-- Made by `make openapi` from docs/guide.md. -->
{guide}</main>
</body>
</html>
"""


def render_guide() -> str:
    """Return the page. Headings get the ids that code hosts give them, so that links work in both places."""
    parser = MarkdownIt().enable("table")
    tokens = parser.parse(GUIDE.read_text("utf-8"))
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open":
            words = re.sub(r"[^a-z0-9 -]", "", heading.content.lower())
            opening.attrSet("id", words.replace(" ", "-"))
    guide = parser.renderer.render(tokens, parser.options, {})
    guide = re.sub(r"<p><img [^>]*></p>\n", "", guide)  # the page has no pictures
    return FRAME.format(guide=guide.replace('href="openapi.yaml"', 'href="../openapi.json"'))


if __name__ == "__main__":
    PAGE.write_text(render_guide(), "utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}")
