"""Line charts in one SVG image. Each chart has a title, axes and a legend."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_COLORS = ("#c2410c", "#0369a1", "#15803d")
_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 40, 50
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}"
    ".axis{stroke:#888}.grid{stroke:#e5e5e5}"
)

Points = Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One line chart of the image."""

    title: str
    across: str
    """The label of the x axis."""
    up: str
    """The label of the y axis."""
    top: float
    """The highest value of the y axis."""
    lines: Mapping[str, Points]


def svg(panels: Sequence[Panel], columns: int = 2) -> str:
    """Return an SVG image of the line charts, with `columns` charts in each row."""
    rows = -(-len(panels) // columns)
    width, height = columns * _WIDTH, rows * _HEIGHT
    parts = [
        f'<g transform="translate({number % columns * _WIDTH} {number // columns * _HEIGHT})">'
        + "\n".join(_draw_panel(panel))
        + "</g>"
        for number, panel in enumerate(panels)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    background = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", background, *parts, "</svg>\n"])


def _draw_panel(panel: Panel) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    most = max(x for points in panel.lines.values() for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (right - _LEFT) * x / most
        return round(across, 1), round(bottom - (bottom - _TOP) * min(y, panel.top) / panel.top, 1)

    yield _draw_text(_LEFT, 20, panel.title, 'class="title"')
    for step in range(5):
        x, y = place(most * step / 4, panel.top * step / 4)
        yield f'<path class="grid" d="M{_LEFT} {y}H{right}"/>'
        yield _draw_text(_LEFT - 8, y + 4, f"{panel.top * step / 4:g}", 'text-anchor="end"')
        yield _draw_text(x, bottom + 18, f"{most * step / 4:,g}", 'text-anchor="middle"')
    yield f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>'
    yield _draw_text((_LEFT + right) / 2, bottom + 38, panel.across, 'text-anchor="middle"')
    middle = (_TOP + bottom) / 2
    yield _draw_text(16, middle, panel.up, f'text-anchor="middle" transform="rotate(-90 16 {middle})"')
    for number, ((name, points), color) in enumerate(zip(panel.lines.items(), _COLORS, strict=False)):
        places = [place(*point) for point in points]
        path = " ".join(f"{x},{y}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>' for x, y in places)
        y = _TOP + 10 + 18 * number
        yield f'<path d="M{_LEFT + 12} {y}h20" stroke="{color}" stroke-width="3"/>'
        yield _draw_text(_LEFT + 38, y + 4, name)


def _draw_text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {more}>{escape(text)}</text>'
