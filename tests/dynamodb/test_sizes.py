"""Sizes of large items, compared with DynamoDB's limits."""

import json
from typing import Any

from scheduling.store.items import serialize
from tests.support.api import Caller
from tests.support.capacity import item_size

ADMIN = Caller("root", "[ADMIN]")
LIMIT_BYTES = 400 * 1024
WIDEST = "\N{PILE OF POO}"  # four bytes in UTF-8
NAME, DESCRIPTION = 200 * WIDEST, 4000 * WIDEST
LONGEST_OWNER = "!" * 128


def longest_size(item: dict[str, Any]) -> int:
    """Return the size that the item would have if all numbers had 38 digits, the maximum of DynamoDB."""
    text = json.dumps(item)
    return item_size(json.loads(text, object_hook=lambda value: {"N": "9" * 38} if "N" in value else value))


def largest_sizes(dynamodb: Any, table: str) -> list[int]:
    """Return the largest possible size of every item of a table."""
    items = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    return [longest_size(item) for item in items]


def test_a_session_with_the_longest_texts_is_far_below_the_item_limit_and_is_returned_unchanged(
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
    created = ADMIN.call("create_session", body=body, headers={"idempotency-key": "k" * 255}).data
    assert {field: created[field] for field in body} == body
    assert ADMIN.call("get_session", id=created["id"]).data == created
    for table in ("SessionsTable", "TimelinesTable", "CalendarTable", "IdempotencyTable"):
        assert max(largest_sizes(dynamodb_local, table)) < LIMIT_BYTES / 10


def test_a_calendar_head_that_names_the_slots_of_eight_posts_fits_into_one_kilobyte(
    dynamodb_local: Any,
) -> None:
    """Every write that reserves time also writes the head. A head above one kilobyte would cost more write units."""
    owner = Caller("a1b2c3d4-e5f6-7890-a1b2-c3d4e5f67890")
    timeline = owner.call("create_timeline", body={"name": "Routine"}).data["id"]
    for day in range(1, 12):
        body = {
            "type": "RECURRING" if day % 2 else "ONE_TIME",
            "timelineId": timeline,
            "name": NAME,
            "startDateTime": f"2023-12-{day:02}T{day:02}:00:00.123456Z",
            "endDateTime": f"2023-12-{day:02}T{day:02}:45:00Z",
            **({"repeatCycleType": "WEEKLY"} if day % 2 else {}),
        }
        assert owner.call("create_session", body=body).status == 200
    key = serialize({"ownerId": owner.id, "slot": "HEAD"})
    head = dynamodb_local.get_item(TableName="CalendarTable", Key=key)["Item"]
    assert longest_size(head) <= 1024
