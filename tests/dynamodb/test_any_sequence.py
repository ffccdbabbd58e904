"""Random sequences of requests: the API agrees with a simple model, and the tables agree with each other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.api import Answer, Caller
from tests.support.invariants import breaches, heads, live_sessions, scan

Fields = dict[str, Any]

OWNERS = [Caller("anna"), Caller("bert")]
ROOT = Caller("root", "[ADMIN]")

MIDNIGHT = datetime(2023, 12, 22, tzinfo=UTC)
"""The first day on which sessions start. The last day is in January, so that sessions also move to another month."""
STARTS = timedelta(weeks=4)
FORESEEN = STARTS + timedelta(weeks=3)
"""The length of the time that the model covers. If two series overlap, they overlap within this time."""
LAST_CHANGE = MIDNIGHT + STARTS + timedelta(weeks=1)
"""The test cancels, changes or splits at an occurrence only if the occurrence starts before this instant."""
STEPS = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
NO_CYCLE: Fields = {"repeatCycleType": None, "recurringDayOfWeek": None}
NO_SCHEDULE: Fields = {"startDateTime": None, "endDateTime": None, **NO_CYCLE}
NO_RULE: Fields = dict.fromkeys(
    ("repeatInterval", "recurringDaysOfWeek", "repeatUntil", "repeatCount", "excludedDates")
)
NEW_FIELDS: Fields = NO_RULE | {"timeZone": None, "seriesId": None, "originalDate": None}
FEW = 3
KEYS = (("SessionsTable", "id"), ("TimelinesTable", "id"), ("CalendarTable", "ownerId", "slot"))


@st.composite
def schedules(draw: st.DrawFn) -> Fields:
    """Draw a valid schedule. There are only a few starts and lengths, so that many sessions conflict."""
    cycle = draw(st.sampled_from([None, None, "DAILY", "WEEKLY", "WEEKLY"]))
    fields = NO_SCHEDULE | {
        "type": "RECURRING" if cycle else draw(st.sampled_from(["ONE_TIME", "ONE_TIME", "RECURRING"])),
        "repeatCycleType": cycle,
    }
    if cycle == "WEEKLY":
        fields["recurringDayOfWeek"] = draw(st.sampled_from([None, *DAYS]))
    start = draw(st.none() | starts) if not cycle else draw(starts)
    if start:
        fields["startDateTime"] = start
        length = draw(st.sampled_from([None, timedelta(minutes=30), timedelta(hours=2), timedelta(hours=24)]))
        fields["endDateTime"] = (datetime.fromisoformat(start) + length).isoformat() if length else None
    return fields


def _format_start(days: int, hours: int, offset: int) -> str:
    moment = MIDNIGHT + timedelta(days=days, hours=hours)
    return moment.astimezone(timezone(timedelta(hours=offset))).isoformat()


starts = st.builds(
    _format_start,
    st.sampled_from([0, 1, 9, 10, STARTS.days]),
    st.sampled_from([9, 10, 11, 23]),
    st.sampled_from([0, 0, 2, -5]),
)
partial_schedules = st.one_of(
    st.builds(lambda start: {"startDateTime": start}, starts),
    st.builds(lambda end: {"endDateTime": end}, st.none() | starts),
    st.just({"startDateTime": None, "endDateTime": None}),
    st.just({"type": "ONE_TIME"}),
)


def occurrences(fields: Fields) -> Iterator[tuple[datetime, datetime]]:
    """Yield the occurrences of a session that start less than `FORESEEN` after `MIDNIGHT`."""
    if not fields["startDateTime"]:
        return
    start = datetime.fromisoformat(fields["startDateTime"])
    end = fields["endDateTime"]
    length = datetime.fromisoformat(end) - start if end else timedelta(microseconds=1)
    if day := fields["recurringDayOfWeek"]:
        start += timedelta(days=(DAYS.index(day) - start.weekday()) % 7)
    step = STEPS.get(fields["repeatCycleType"] or "", FORESEEN)
    while start < MIDNIGHT + FORESEEN and start.date().isoformat() <= (fields["repeatUntil"] or "9999"):
        if start.date().isoformat() not in (fields["excludedDates"] or ()):
            yield start, start + length
        start += step


def implicit_changes(before: Fields, fields: Fields) -> Fields:
    """Return the fields that a PATCH changes in addition to the fields in its body."""
    if fields.get("type") == "ONE_TIME":
        return NO_CYCLE | NO_RULE
    cycle = fields.get("repeatCycleType", before["repeatCycleType"])
    changes: Fields = {"seriesId": None, "originalDate": None} if fields.get("type") else {}
    if not cycle:
        return changes | NO_CYCLE | NO_RULE
    if cycle != "WEEKLY":
        changes["recurringDayOfWeek"] = None
    elif fields.get("startDateTime") and before["startDateTime"]:
        old, new = (datetime.fromisoformat(one["startDateTime"]).weekday() for one in (before, fields))
        if before["recurringDayOfWeek"] == DAYS[old]:
            changes["recurringDayOfWeek"] = DAYS[new]
    return changes


def overlap(one: Fields, other: Fields) -> bool:
    """Return whether two sessions ever overlap."""
    theirs = list(occurrences(other))
    return any(a < d and c < b for a, b in occurrences(one) for c, d in theirs)


def is_valid(fields: Fields) -> bool:
    """Return whether the fields of a session satisfy the rules that concern several fields."""
    start, end, step = (
        fields["startDateTime"],
        fields["endDateTime"],
        STEPS.get(fields["repeatCycleType"] or ""),
    )
    if start and step and fields["repeatUntil"] and not any(occurrences(fields)):
        return False
    if not end:
        return True
    if not start:
        return False
    length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return length > timedelta(0) and (step is None or length <= step)


class Scheduling(RuleBasedStateMachine):
    """Random sequence of requests that create, change, move and delete sessions and timelines of two owners."""

    dynamodb: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        for table, *key in KEYS:
            for item in scan(self.dynamodb, table):
                self.dynamodb.delete_item(TableName=table, Key={name: {"S": item[name]} for name in key})
        self.owners: dict[str, str] = {}
        """The owners of the timelines that are not deleted, by timeline id."""
        self.sessions: dict[str, Fields] = {}
        """The sessions that are not deleted, as in the last answer of the API, by session id."""
        self.removed: dict[str, Fields] = {}
        for owner in (*OWNERS, OWNERS[0]):
            self.new_timeline(owner)

    @initialize(some=st.lists(schedules(), min_size=4, max_size=8), data=st.data())
    def create_some_sessions(self, some: list[Fields], data: st.DataObject) -> None:
        for schedule in some:
            self.create(data, schedule, "Yoga")

    # Writes

    @rule(data=st.data())
    def replace_a_timeline(self, data: st.DataObject) -> None:
        id = data.draw(self.timeline_ids())
        answer = ROOT.call("delete_timeline", id=id)
        assert answer.status == (409 if self.sessions_on(id) else 200)
        if answer.status == 200:
            del self.owners[id]
            assert ROOT.call("delete_timeline", id=id).status == 404
            fields = {"type": "ONE_TIME", "timelineId": id, "name": "Too late"}
            assert ROOT.call("create_session", body=fields).status == 400
            self.new_timeline(Caller(answer.data["ownerId"]))

    @rule(data=st.data(), schedule=schedules(), name=st.sampled_from(["Yoga", "Tai Chi"]))
    def create(self, data: st.DataObject, schedule: Fields, name: str) -> None:
        fields = {"timelineId": data.draw(self.timeline_ids()), "name": name, "description": None, **schedule}
        fields |= NEW_FIELDS
        answer = ROOT.call("create_session", body=fields)
        assert answer.status == self.expected_status(None, fields)
        if answer.status == 200:
            self.check_and_store(answer, fields)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), schedule=schedules())
    def reschedule(self, data: st.DataObject, schedule: Fields) -> None:
        self.change(data.draw(self.session_ids()), schedule)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), fields=partial_schedules)
    def change_part_of_the_schedule(self, data: st.DataObject, fields: Fields) -> None:
        self.change(data.draw(self.session_ids()), fields)

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), schedule=st.just({}) | schedules())
    def move(self, data: st.DataObject, schedule: Fields) -> None:
        self.change(data.draw(self.session_ids()), {"timelineId": data.draw(self.timeline_ids()), **schedule})

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), name=st.sampled_from(["Yoga", "Pilates"]))
    def rename(self, data: st.DataObject, name: str) -> None:
        before = heads(self.dynamodb)
        self.change(data.draw(self.session_ids()), {"name": name})
        assert heads(self.dynamodb) == before

    @precondition(lambda self: len(self.sessions) > FEW)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        id = data.draw(self.session_ids())
        answer = ROOT.call("delete_session", id=id)
        before = self.sessions.pop(id)
        self.removed[id] = before
        assert answer.data == before | {field: answer.data[field] for field in ("updatedAt", "removedAt")}
        assert answer.data["removedAt"]
        assert ROOT.call("get_session", id=id).status == 404
        assert ROOT.call("update_session", id=id, body={"name": "Too late"}).status == 404
        assert ROOT.call("delete_session", id=id).status == 404

    @precondition(lambda self: self.removed)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(list(self.removed)))
        answer = ROOT.call("restore_session", id=id)
        assert answer.status == self.expected_status(id, self.removed[id])
        if answer.status == 200:
            self.check_and_store(answer, self.removed.pop(id))

    @precondition(lambda self: self.series())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id, start, is_last = self.draw_occurrence(data)
        day = start.date().isoformat()
        answer = ROOT.call("delete_occurrence", id=f"{id}/{day}")
        assert answer.status == (409 if is_last else 200)
        if not is_last:
            self.check_and_store(answer, self.exclude_date(id, day))

    @precondition(lambda self: self.series())
    @rule(data=st.data(), new_start=starts)
    def change_an_occurrence(self, data: st.DataObject, new_start: str) -> None:
        id, start, is_last = self.draw_occurrence(data)
        day = start.date().isoformat()
        body = {"startDateTime": new_start, "endDateTime": None, "name": "Tai Chi"}
        new = self.sessions[id] | NO_CYCLE | NO_RULE | body
        new |= {"type": "ONE_TIME", "seriesId": id, "originalDate": day}
        rest = self.exclude_date(id, day)
        free = not is_last and not overlap(new, rest) and self.expected_status(id, new) == 200
        answer = ROOT.call("update_occurrence", id=f"{id}/{day}", body=body)
        assert answer.status == (200 if free else 409)
        if free:
            self.check_and_store(answer, new)
            self.check_and_store(ROOT.call("get_session", id=id), rest)

    @precondition(lambda self: self.series())
    @rule(data=st.data(), name=st.sampled_from(["Yoga", "Pilates"]))
    def split(self, data: st.DataObject, name: str) -> None:
        id, start, _ = self.draw_occurrence(data)
        before, day = self.sessions[id], start.date()
        first = next(occurrences(before))[0]
        answer = ROOT.call("split_session", id=id, body={"date": day.isoformat(), "name": name})
        assert answer.status == (409 if first == start else 200)
        if answer.status == 409:
            return
        dates = before["excludedDates"] or []
        new = before | {
            "name": name,
            "startDateTime": answer.data["startDateTime"],
            "endDateTime": answer.data["endDateTime"],
            "excludedDates": [each for each in dates if each >= day.isoformat()] or None,
        }
        assert list(occurrences(new)) == [each for each in occurrences(before) if each[0] >= start]
        self.check_and_store(answer, new)
        ended = before | {
            "repeatUntil": (day - timedelta(days=1)).isoformat(),
            "excludedDates": [each for each in dates if each < day.isoformat()] or None,
        }
        self.check_and_store(ROOT.call("get_session", id=id), ended)

    # Reads

    @rule(
        data=st.data(),
        order=st.sampled_from(["ASC", "DESC"]),
        skip=st.integers(0, 6),
        take=st.integers(1, 6),
        low=st.none() | starts,
        high=st.none() | starts,
    )
    def list_sessions(
        self, data: st.DataObject, order: str, skip: int, take: int, low: str | None, high: str | None
    ) -> None:
        query: Fields = {"startDateTimeSortOrder": order, "skip": skip, "take": take}
        caller, found = ROOT, list(self.sessions.values())
        scope = data.draw(st.none() | st.sampled_from(OWNERS) | self.timeline_ids())
        if isinstance(scope, Caller):
            caller, found = scope, [one for one in found if self.owners[one["timelineId"]] == scope.id]
        elif scope:
            query["timelineId"], found = scope, self.sessions_on(scope)
        for name, bound in (("startDateTimeFrom", low), ("startDateTimeTo", high)):
            if bound:
                query[name] = bound
                found = [one for one in found if one["startDateTime"]]
        if low:
            found = [one for one in found if start(one) >= datetime.fromisoformat(low)]
        if high:
            found = [one for one in found if start(one) < datetime.fromisoformat(high)]
        answer = caller.call("list_sessions", query=query)
        assert answer.data == sort_sessions(found, order)[skip : skip + take]
        assert answer.count == len(found)

    # Invariants

    @invariant()
    def the_tables_agree_with_the_answers_and_each_other(self) -> None:
        stored = {one["id"]: one for one in live_sessions(self.dynamodb)}
        assert stored.keys() == self.sessions.keys()
        for id, session in self.sessions.items():
            assert {field: stored[id].get(field) for field in session} == session
            assert stored[id]["ownerId"] == self.owners[session["timelineId"]]
        assert breaches(self.dynamodb) == []

    # Model

    def new_timeline(self, owner: Caller) -> None:
        created = owner.call("create_timeline", body={"name": "Routine"}).data
        self.owners[created["id"]] = owner.id

    def timeline_ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from(list(self.owners))

    def session_ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from(list(self.sessions))

    def series(self) -> dict[str, list[datetime]]:
        """Return the starts of up to four occurrences of each series before LAST_CHANGE, by session id."""
        found = {}
        for id, one in self.sessions.items():
            early = [start for start, _ in occurrences(one) if start < LAST_CHANGE]
            if one["repeatCycleType"] and early:
                found[id] = early[:4]
        return found

    def draw_occurrence(self, data: st.DataObject) -> tuple[str, datetime, bool]:
        """Draw an occurrence. Return the series id, the start, and whether the series has no other occurrence."""
        id, starts = data.draw(st.sampled_from(list(self.series().items())))
        before = self.sessions[id]
        is_last = before["repeatUntil"] is not None and len(list(occurrences(before))) == 1
        return id, data.draw(st.sampled_from(starts)), is_last

    def exclude_date(self, id: str, day: str) -> Fields:
        """Return the fields of a series with one more excluded date."""
        before = self.sessions[id]
        return before | {"excludedDates": [*(before["excludedDates"] or []), day]}

    def sessions_on(self, timeline: str) -> list[Fields]:
        return [one for one in self.sessions.values() if one["timelineId"] == timeline]

    def expected_status(self, id: str | None, after: Fields) -> int:
        """Return the HTTP status that the model expects for a write of these fields."""
        if not is_valid(after) or after["timelineId"] not in self.owners:
            return 400
        owner = self.owners[after["timelineId"]]
        others = [
            other
            for other in self.sessions.values()
            if other["id"] != id and self.owners[other["timelineId"]] == owner
        ]
        return 409 if any(overlap(after, other) for other in others) else 200

    def change(self, id: str, fields: Fields) -> None:
        before = self.sessions[id]
        after = before | implicit_changes(before, fields) | fields
        answer = ROOT.call("update_session", id=id, body=fields)
        assert answer.status == (200 if after == before else self.expected_status(id, after)), answer
        if answer.status == 200:
            self.check_and_store(answer, after)
            assert (answer.data == before) == (after == before)

    def check_and_store(self, answer: Answer, fields: Fields) -> None:
        """Check the answer against the fields. Store the session in the model, and check a GET of the session."""
        stamps = {field: answer.data[field] for field in ("id", "createdAt", "updatedAt", "removedAt")}
        assert answer.data == fields | stamps
        self.sessions[stamps["id"]] = answer.data
        assert ROOT.call("get_session", id=stamps["id"]).data == answer.data


def start(session: Fields) -> datetime:
    return datetime.fromisoformat(session["startDateTime"])


def sort_sessions(sessions: list[Fields], order: str) -> list[Fields]:
    """Sort sessions by start and id. Sessions without a start come last in both sort orders."""
    backwards = order == "DESC"
    dated = sorted(
        (one for one in sessions if one["startDateTime"]),
        key=lambda one: (start(one), one["id"]),
        reverse=backwards,
    )
    undated = sorted(
        (one for one in sessions if not one["startDateTime"]), key=lambda one: one["id"], reverse=backwards
    )
    return dated + undated


def test_the_api_agrees_with_the_model_after_every_request(dynamodb_local: Any) -> None:
    class OnTheseTables(Scheduling):
        dynamodb = dynamodb_local

    bounds = settings(
        max_examples=10,
        stateful_step_count=35,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(OnTheseTables, settings=bounds)
