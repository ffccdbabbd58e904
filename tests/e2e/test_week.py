"""A week that FullCalendar draws from GET /occurrences in a real browser."""

import json
import os

from tests.e2e.conftest import Origins, People
from tests.support import npm

FRIDAY, NOON = "2026-06-05", "2026-06-03T12:00:00+02:00"


def test_fullcalendar_draws_a_week_from_one_request(people: People, origins: Origins) -> None:
    """With WEEK_SCREENSHOT=docs/week.png, also write the picture for the guide."""
    browser = npm.browser()
    picture = os.path.abspath(path) if (path := os.environ.get("WEEK_SCREENSHOT")) else ""
    person = people.add("week", "USER")
    timeline = person.create_timeline()

    def series(name: str, start: str, end: str, **fields: object) -> None:
        person.create(
            "/sessions",
            type="RECURRING",
            timelineId=timeline,
            name=name,
            startDateTime=f"2025-12-01T{start}:00+01:00",
            endDateTime=f"2025-12-01T{end}:00+01:00",
            timeZone="Europe/Berlin",
            **fields,
        )

    series("Run", "07:00", "08:00", repeatCycleType="DAILY", excludedDates=[FRIDAY])
    series("Yoga", "10:00", "11:30", repeatCycleType="WEEKLY", recurringDaysOfWeek=["MONDAY", "THURSDAY"])
    series("Over", "12:00", "13:00", repeatCycleType="DAILY", repeatUntil="2026-05-31")
    person.create(
        "/sessions",
        type="ONE_TIME",
        timelineId=timeline,
        name="Workshop",
        startDateTime=NOON,
        endDateTime="2026-06-03T16:00:00+02:00",
    )
    app, berlin = origins.app, {"TZ": "Europe/Berlin"}
    arguments = (app.url, str(app.listener.fileno()), people.stack.url, person.token, "2026-06-01", picture)
    output = npm.run("node", "week.mjs", browser, *arguments, environment=berlin, sockets=[app.listener])
    saw = json.loads(output)
    assert saw["complaints"] == []
    assert sum("/occurrences?" in url for url in saw["requests"]) == 1
    assert all(url.startswith((app.url, people.stack.url, "data:")) for url in saw["requests"])
    drawn = [(event["date"], event["title"]) for event in saw["events"]]
    days = [f"2026-06-{day:02}" for day in range(1, 8)]
    assert sorted(drawn) == sorted(
        [
            *((day, "Run") for day in days if day != FRIDAY),
            ("2026-06-01", "Yoga"),
            ("2026-06-03", "Workshop"),
            ("2026-06-04", "Yoga"),
        ]
    )
    (run,) = (event for event in saw["events"] if event["title"] == "Run" and event["date"] == days[0])
    assert run["time"] == "7:00 - 8:00", (
        "the series was created in winter, and keeps its local time in summer"
    )
