"""Cost of the most expensive requests, compared with the table in docs/operations.md.

`python -m bench.prices` prints this table.
"""

from typing import Any

import pytest

from bench.prices import HEADER, measure
from bench.table import table
from tests.support.template import ROOT, functions


@pytest.mark.slow
def test_the_most_expensive_requests_have_the_costs_in_operations_md(dynamodb_local: Any) -> None:
    found = measure(dynamodb_local)
    rows = [price.row() for price in found]
    print(table(HEADER, rows))
    _, _, after = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("| operation |")
    lines = after.split("\n\n")[0].splitlines()[2:]
    assert [[cell.strip() for cell in line.strip("|").split("|")] for line in lines] == rows
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if "Path" in event["Properties"]
    }
    without_tables = {"GET /docs", "GET /docs/{file}", "GET /openapi.json"}
    assert {price.operation for price in found} == {*(routes - without_tables), "update_counters"}
