"""Markdown tables with aligned columns, which are also readable on a terminal."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table. The first column is aligned to the left, and the other columns to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def format_row(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(aligned)} |"

    rule = "|".join(
        "-" * (width + 2) if not column else "-" * (width + 1) + ":" for column, width in enumerate(widths)
    )
    return "\n".join([format_row(header), f"|{rule}|", *map(format_row, rows)])
