"""The largest that things can get, against DynamoDB's limits."""

from collections.abc import Mapping
from typing import Any

from scheduling.domain import counters
from scheduling.store.items import serialize
from tests.support.api import Caller

ADMIN = Caller("root", "[ADMIN]")
LIMIT_BYTES = 400 * 1024
WIDEST = "\N{PILE OF POO}"  # four bytes in UTF-8
NAME, DESCRIPTION = 200 * WIDEST, 4000 * WIDEST
LONGEST_OWNER = "!" * 128
CENTURY = [f"{year}-{month:02}" for year in range(2000, 2100) for month in range(1, 13)]
MANY = 1_000_000


def size(value: Mapping[str, Any]) -> int:
    """What DynamoDB counts for an attribute value: its bytes, and three more and one a member for a map."""
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size(one) for name, one in content.items())
    return len(str(content).encode()) if kind == "S" else 21  # at the most, for a number


def sizes(dynamodb: Any, table: str) -> list[int]:
    """The size of every item of a table."""
    items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    return [sum(len(name.encode()) + size(value) for name, value in item.items()) for item in items]


def test_the_largest_session_is_far_below_the_limit_and_comes_back_letter_for_letter(
    dynamodb_local: Any,
) -> None:
    timeline = ADMIN.call(
        "create_timeline", body={"name": NAME, "description": DESCRIPTION, "ownerId": LONGEST_OWNER}
    ).data
    assert (timeline["name"], timeline["description"]) == (NAME, DESCRIPTION)
    body = {
        "type": "RECURRING",
        "timelineId": timeline["id"],
        "name": NAME,
        "description": DESCRIPTION,
        "startDateTime": "9999-12-01T23:59:59.999999-05:30",
        "endDateTime": "9999-12-02T00:59:59.999999-05:30",
        "repeatCycleType": "WEEKLY",
        "recurringDayOfWeek": "WEDNESDAY",
    }
    made = ADMIN.call("create_session", body=body, headers={"idempotency-key": "k" * 255}).data
    assert {field: made[field] for field in body} == body
    assert ADMIN.call("get_session", id=made["id"]).data == made
    for table in ("SessionsTable", "TimelinesTable", "CalendarTable", "IdempotencyTable"):
        assert max(sizes(dynamodb_local, table)) < LIMIT_BYTES / 10


def test_counts_of_every_month_of_a_century_fit(dynamodb_local: Any) -> None:
    body = {"name": NAME, "description": DESCRIPTION, "ownerId": LONGEST_OWNER}
    timeline = ADMIN.call("create_timeline", body=body).data["id"]
    dynamodb_local.update_item(
        TableName="TimelinesTable",
        Key=serialize({"id": timeline}),
        UpdateExpression="SET sessionCounts = :counts",
        ExpressionAttributeValues=serialize({":counts": dict.fromkeys(CENTURY, MANY)}),
    )
    kinds = {f"{kind}#{month}": MANY for kind in ("sessions", "timelines") for month in CENTURY}
    dynamodb_local.put_item(
        TableName="TimelinesTable", Item=serialize({"id": counters.shard(LONGEST_OWNER), **kinds})
    )
    dated = {"startDateTime": "2050-06-01T09:00:00Z", "endDateTime": "2050-06-01T10:00:00Z"}
    made = ADMIN.call(
        "create_session", body={"type": "ONE_TIME", "timelineId": timeline, "name": NAME, **dated}
    )
    assert made.status == 200
    of_timeline = ADMIN.call(
        "list_sessions", query={"timelineId": timeline, "startDateTimeFrom": "2050-06-01T00:00:00Z"}
    )
    assert of_timeline.count == MANY * (CENTURY.index("2099-12") - CENTURY.index("2050-06") + 1) + 1
    assert ADMIN.call("list_sessions").count == len(CENTURY) * MANY + 1
    assert max(sizes(dynamodb_local, "TimelinesTable")) < LIMIT_BYTES / 4
