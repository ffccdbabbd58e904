"""Races between concurrent requests, which never double-book an owner. The handlers run in threads."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from scheduling.http import endpoint
from scheduling.services import retries
from scheduling.store.client import client
from tests.dynamodb.conftest import Call, RunAtOnce, run_with_reads_first
from tests.support.api import Answer, Caller, new_timeline
from tests.support.invariants import breaches, live_sessions

ANNA, BERT, ROOT = Caller("anna"), Caller("bert"), Caller("root", "[ADMIN]")
WEEKLY = {"type": "RECURRING", "repeatCycleType": "WEEKLY"}


def at(hour: int, minute: int = 0, day: int = 1) -> str:
    """Return a time in December 2023. December 1 was a Friday."""
    return f"2023-12-{day:02}T{hour:02}:{minute:02}:00Z"


def post(
    timeline: str, start: str = at(9), end: str = at(10), *, key: str | None = None, **fields: Any
) -> Call:
    """Return a call that creates a session."""
    times = {"startDateTime": start, "endDateTime": end}
    body = {"type": "ONE_TIME", "timelineId": timeline, "name": "Yoga", **times, **fields}
    return partial(ROOT.call, "create_session", body=body, headers={"Idempotency-Key": key} if key else {})


def patch(id: str, start: str | None = None, end: str | None = None, **fields: Any) -> Call:
    """Return a call that updates a session."""
    times = {"startDateTime": start, "endDateTime": end} if start else {}
    return partial(ROOT.call, "update_session", id=id, body=fields | times)


def delete(id: str) -> Call:
    """Return a call that deletes a session."""
    return partial(ROOT.call, "delete_session", id=id)


def count_statuses(answers: Sequence[Answer]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(answer.status for answer in answers)


def remove_the_condition_on_the_head(params: dict[str, Any], **_: object) -> None:
    """Remove the condition on the head from a transaction."""
    for operation in params["TransactItems"]:
        update = operation.get("Update", {"Key": {}})
        if update["Key"].get("slot") == {"S": "HEAD"} and "ConditionExpression" in update:
            del update["ConditionExpression"], update["ReturnValuesOnConditionCheckFailure"]
            values = update["ExpressionAttributeValues"]
            used = [name for name in values if name in update["UpdateExpression"]]
            update["ExpressionAttributeValues"] = {name: values[name] for name in used}


def test_without_the_condition_on_the_head_concurrent_posts_cause_double_bookings(
    dynamodb_local: Any,
) -> None:
    """Show that the condition on the head prevents double bookings, and that the tests in this module can fail."""
    client().meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", remove_the_condition_on_the_head
    )
    timeline = new_timeline(ANNA)
    assert count_statuses(run_with_reads_first([post(timeline)] * 20))[200] > 1
    assert "Yoga and Yoga overlap" in breaches(dynamodb_local)


def test_one_of_twenty_identical_posts_succeeds(run_at_once: RunAtOnce, timeline: str) -> None:
    assert count_statuses(run_at_once([post(timeline)] * 20)) == {200: 1, 409: 19}


def test_one_of_twenty_overlapping_posts_succeeds(run_at_once: RunAtOnce, timeline: str) -> None:
    posts = [post(timeline, at(9, minute), at(10, minute), name=f"Yoga {minute}") for minute in range(20)]
    assert count_statuses(run_at_once(posts)) == {200: 1, 409: 19}


def test_one_of_ten_posts_for_the_same_time_on_two_timelines_of_an_owner_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    other = new_timeline(ANNA)
    assert count_statuses(run_at_once([post(timeline), post(other)] * 5)) == {200: 1, 409: 9}


def test_concurrent_posts_of_two_owners_do_not_conflict(run_at_once: RunAtOnce, timeline: str) -> None:
    of_bert = new_timeline(BERT)
    assert count_statuses(run_at_once([post(timeline), post(of_bert)])) == {200: 2}


def test_one_of_two_patches_that_move_two_sessions_to_the_same_time_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    ids = [post(timeline, at(hour), at(hour + 1))().data["id"] for hour in (9, 11)]
    answers = run_at_once([patch(id, at(10, 15), at(10, 45)) for id in ids])
    assert count_statuses(answers) == {200: 1, 409: 1}


def test_two_patches_that_swap_the_times_of_two_sessions_both_conflict(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    first, second = (post(timeline, at(hour), at(hour + 1))().data["id"] for hour in (9, 10))
    assert count_statuses(run_at_once([patch(first, at(10), at(11)), patch(second, at(9), at(10))])) == {
        409: 2
    }


def test_only_one_of_two_overlapping_sessions_can_move_to_the_same_owner(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    of_bert, of_cleo = new_timeline(BERT), new_timeline(Caller("cleo"))
    ids = [post(timeline)().data["id"], post(of_bert)().data["id"]]
    assert count_statuses(run_at_once([patch(id, timelineId=of_cleo) for id in ids])) == {200: 1, 409: 1}


def test_two_moves_of_a_session_to_two_owners_both_succeed(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any
) -> None:
    id = post(timeline)().data["id"]
    targets = [new_timeline(BERT), new_timeline(Caller("cleo"))]
    assert count_statuses(run_at_once([patch(id, timelineId=target) for target in targets])) == {200: 2}
    (session,) = live_sessions(dynamodb)
    assert session["timelineId"] in targets


def test_a_post_during_a_delete_of_the_conflicting_session_causes_no_double_booking(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    """The POST gets a 200 or a 409.

    After a 200, the POST has booked the time. After a 409, the time is free, because the DELETE has succeeded.
    """
    blocking = post(timeline)().data["id"]
    posted, removed = run_at_once([post(timeline), delete(blocking)])
    assert removed.status == 200
    assert posted.status in (200, 409)
    assert post(timeline)().status == (409 if posted.status == 200 else 200)


def test_a_delete_during_a_patch_of_the_same_session_succeeds(run_at_once: RunAtOnce, timeline: str) -> None:
    id = post(timeline)().data["id"]
    changed, removed = run_at_once([patch(id, at(14), at(15)), delete(id)])
    assert removed.status == 200
    assert changed.status in (200, 404)
    assert patch(id, at(16), at(17))().status == 404


def test_one_of_twenty_deletes_of_a_session_succeeds(run_at_once: RunAtOnce, timeline: str) -> None:
    id = post(timeline)().data["id"]
    assert count_statuses(run_at_once([delete(id)] * 20)) == {200: 1, 404: 19}


def test_either_a_series_or_all_one_time_sessions_that_overlap_the_series_are_created(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    singles = [post(timeline, at(9, 30, day), at(10, 30, day)) for day in (1, 8, 15, 22, 29)]
    series, *others = run_at_once([post(timeline, **WEEKLY), *singles])
    if series.status == 200:
        assert count_statuses(others) == {409: 5}
    else:
        assert series.status == 409
        assert count_statuses(others) == {200: 5}


def test_one_of_four_conflicting_series_is_created(run_at_once: RunAtOnce, timeline: str) -> None:
    weekly = [post(timeline, at(9, 0, day), at(10, 0, day), **WEEKLY) for day in (1, 8, 15)]
    daily = post(timeline, at(9, 30, 20), at(9, 45, 20), type="RECURRING", repeatCycleType="DAILY")
    assert count_statuses(run_at_once([*weekly, daily])) == {200: 1, 409: 3}


def test_32_concurrent_posts_of_sessions_that_do_not_overlap_all_succeed(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raise the limits of attempts and time, because a request could exceed the usual limits on a busy machine."""
    monkeypatch.setattr(retries, "ATTEMPTS", 10_000)
    monkeypatch.setattr(endpoint, "LONGEST_REQUEST_SECONDS", 600)
    posts = [
        post(timeline, at(hour, 0, day), at(hour + 1, 0, day)) for day in (1, 2) for hour in range(6, 22)
    ]
    assert count_statuses(run_at_once(posts)) == {200: 32}
    assert len(live_sessions(dynamodb)) == 32


def test_either_a_post_to_a_timeline_or_the_delete_of_the_timeline_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    removal = partial(ANNA.call, "delete_timeline", id=timeline)
    posted, removed = run_at_once([post(timeline), removal])
    assert (posted.status, removed.status) in [(200, 409), (400, 200)]


def test_two_patches_of_different_fields_both_take_effect(run_at_once: RunAtOnce, timeline: str) -> None:
    id = post(timeline)().data["id"]
    assert count_statuses(run_at_once([patch(id, name="Pilates"), patch(id, description="Bring a mat")])) == {
        200: 2
    }
    session = ANNA.call("get_session", id=id).data
    assert (session["name"], session["description"]) == ("Pilates", "Bring a mat")


def test_five_concurrent_posts_with_one_idempotency_key_create_one_session(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any
) -> None:
    answers = run_at_once([post(timeline, key="attempt-1")] * 5)
    assert count_statuses(answers) == {200: 5}
    assert {answer.data["id"] for answer in answers} == {session["id"] for session in live_sessions(dynamodb)}


def cancel(id: str, day: int) -> Call:
    """Return a call that cancels an occurrence in December 2023."""
    return partial(ROOT.call, "delete_occurrence", id=f"{id}/2023-12-{day:02}")


def change(id: str, day: int, start: str, end: str, *, key: str | None = None) -> Call:
    """Return a call that changes an occurrence in December 2023."""
    body = {"startDateTime": start, "endDateTime": end}
    headers = {"Idempotency-Key": key} if key else {}
    return partial(ROOT.call, "update_occurrence", id=f"{id}/2023-12-{day:02}", body=body, headers=headers)


def split(id: str, day: int, **fields: Any) -> Call:
    """Return a call that splits a series in December 2023."""
    return partial(ROOT.call, "split_session", id=id, body={"date": f"2023-12-{day:02}", **fields})


def restore(id: str) -> Call:
    """Return a call that restores a session."""
    return partial(ROOT.call, "restore_session", id=id)


def test_occurrences_that_are_cancelled_concurrently_are_all_excluded(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    assert count_statuses(run_at_once([cancel(id, day) for day in (8, 15, 22)])) == {200: 3}
    assert sorted(ANNA.call("get_session", id=id).data["excludedDates"]) == [
        f"2023-12-{day:02}" for day in (8, 15, 22)
    ]
    assert [post(timeline, at(9, 0, day), at(10, 0, day))().status for day in (8, 15, 22, 29)] == [
        200
    ] * 3 + [409]


def test_ten_concurrent_cancellations_of_an_occurrence_exclude_one_date(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    assert count_statuses(run_at_once([cancel(id, 8)] * 10)) == {200: 10}
    assert ANNA.call("get_session", id=id).data["excludedDates"] == ["2023-12-08"]


def test_only_one_of_the_last_two_occurrences_of_a_series_can_be_cancelled(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY, repeatCount=2)().data["id"]
    assert count_statuses(run_at_once([cancel(id, 1), cancel(id, 8)])) == {200: 1, 409: 1}


def test_at_most_one_post_books_the_time_of_an_occurrence_that_is_being_cancelled(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    cancelled, *posted = run_at_once([cancel(id, 8), *[post(timeline, at(9, 0, 8), at(10, 0, 8))] * 4])
    assert cancelled.status == 200
    assert count_statuses(posted)[200] <= 1


def test_either_a_post_or_the_move_of_an_occurrence_to_the_same_time_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    moved = change(id, 8, at(14, 0, 9), at(15, 0, 9))
    assert count_statuses(run_at_once([moved, post(timeline, at(14, 30, 9), at(15, 30, 9))])) == {
        200: 1,
        409: 1,
    }


def test_one_of_two_concurrent_changes_of_an_occurrence_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    changes = [change(id, 8, at(hour, 0, 8), at(hour + 1, 0, 8)) for hour in (12, 14)]
    assert count_statuses(run_at_once(changes)) == {200: 1, 404: 1}


def test_one_of_two_changes_that_move_two_occurrences_to_the_same_time_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    changes = [change(id, day, at(14, 0, 20), at(15, 0, 20)) for day in (8, 15)]
    assert count_statuses(run_at_once(changes)) == {200: 1, 409: 1}


def test_four_concurrent_changes_with_one_idempotency_key_create_one_session(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    answers = run_at_once([change(id, 8, at(12, 0, 8), at(13, 0, 8), key="attempt-1")] * 4)
    assert count_statuses(answers) == {200: 4}
    assert len(live_sessions(dynamodb)) == 2


def test_a_delete_of_a_series_during_a_change_of_an_occurrence_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    changed, deleted = run_at_once([change(id, 8, at(12, 0, 8), at(13, 0, 8)), delete(id)])
    assert deleted.status == 200
    assert changed.status in (200, 404)


def test_either_a_split_to_a_new_time_or_a_post_at_that_time_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    later = split(id, 15, startDateTime=at(14, 0, 15), endDateTime=at(15, 0, 15))
    assert count_statuses(run_at_once([later, post(timeline, at(14, 30, 29), at(15, 30, 29))])) == {
        200: 1,
        409: 1,
    }


def test_two_concurrent_splits_of_a_series_leave_two_or_three_series(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any
) -> None:
    """If the split on the 15th commits first, the series ends before the 22nd, and the split on the 22nd gets a 404."""
    id = post(timeline, **WEEKLY)().data["id"]
    answers = count_statuses(run_at_once([split(id, 15), split(id, 22)]))
    assert answers in ({200: 2}, {200: 1, 404: 1})
    assert len(live_sessions(dynamodb)) == answers[200] + 1


def test_a_split_and_a_patch_of_the_same_series_both_succeed(run_at_once: RunAtOnce, timeline: str) -> None:
    id = post(timeline, **WEEKLY)().data["id"]
    moved, divided = run_at_once([patch(id, at(11), at(12)), split(id, 15)])
    assert (moved.status, divided.status) == (200, 200)


def test_when_two_restores_and_a_post_need_the_same_time_exactly_one_request_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    ids = []
    for _ in range(2):
        ids.append(post(timeline, **WEEKLY)().data["id"])
        delete(ids[-1])()
    answers = run_at_once([*map(restore, ids), post(timeline, at(9, 0, 8), at(10, 0, 8))])
    assert count_statuses(answers) == {200: 1, 409: 2}


def test_ten_concurrent_restores_of_a_session_restore_the_session_once(
    run_at_once: RunAtOnce, timeline: str, dynamodb: Any
) -> None:
    id = post(timeline)().data["id"]
    delete(id)()
    answers = run_at_once([restore(id)] * 10)
    assert count_statuses(answers) == {200: 10}
    assert {answer.headers["ETag"] for answer in answers} == {'"3"'}


def test_either_a_restore_of_a_session_or_the_delete_of_its_timeline_succeeds(
    run_at_once: RunAtOnce, timeline: str
) -> None:
    id = post(timeline)().data["id"]
    delete(id)()
    restored, removed = run_at_once([restore(id), partial(ANNA.call, "delete_timeline", id=timeline)])
    assert (restored.status, removed.status) in [(200, 409), (400, 200)]
