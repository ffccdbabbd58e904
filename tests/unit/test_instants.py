"""Dates and times: accepted texts, refused texts with their messages, and texts of instants."""

import pytest

from scheduling.domain.instants import DAY, MINUTE, Moment, local_text, parse, utc_text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0001-01-01T00:00:00Z", Moment(0, 0)),
        ("0001-01-01T00:00Z", Moment(0, 0)),
        ("0001-01-02T00:00:00.000001Z", Moment(DAY + 1, 0)),
        ("0001-01-02T00:00:00.1Z", Moment(DAY + 100_000, 0)),
        ("0001-01-02T01:30:00+01:30", Moment(DAY, 90 * MINUTE)),
        ("0001-01-02T01:30:00+0130", Moment(DAY, 90 * MINUTE)),
        ("0001-01-01T22:30:00-01:30", Moment(DAY, -90 * MINUTE)),
        ("0001-01-01T23:59:00+23:59", Moment(0, 1439 * MINUTE)),
        ("9999-12-31T00:00:59-23:59", Moment(3_652_059 * DAY - MINUTE + 59_000_000, -1439 * MINUTE)),
    ],
)
def test_a_date_and_time_with_an_offset_is_parsed(text: str, moment: Moment) -> None:
    assert parse(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023-12-01",
        "2023-12-01T09:00:00",
        "2023-12-01 09:00:00Z",
        "2023-12-01T09Z",
        "2023-12-01T09:00:00z",
        "2023-12-01t09:00:00Z",
        "2023-12-01T24:00:00Z",
        "2023-12-01T09:60:00Z",
        "2023-12-01T09:00:60Z",
        "2023-12-01T09:00:00.Z",
        "2023-12-01T09:00:00.1234567Z",
        "2023-12-01T09:00:00,5Z",
        "2023-12-01T09:00:00+24:00",
        "2023-12-01T09:00:00+09",
        "2023-12-01T09:00:00+09:60",
        "2023-12-01T09:00:00 09:00",
        "20231201T090000Z",
        "2023-W48-5T09:00:00Z",
        "+2023-12-01T09:00:00Z",
        "2023-12-01T09:00:00Z\n",
        " 2023-12-01T09:00:00Z",
        "\uff12\uff10\uff12\uff13-12-01T09:00:00Z",
    ],
)
def test_a_text_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Must be an ISO 8601 date and time with an offset or Z"):
        parse(text)


@pytest.mark.parametrize(
    "day", ["2023-02-29", "1900-02-29", "2023-13-01", "2023-00-10", "2023-04-31", "0000-01-01"]
)
def test_a_date_that_does_not_exist_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match="a date that exists"):
        parse(f"{day}T09:00:00Z")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:00-00:01"])
def test_an_instant_outside_the_years_1_to_9999_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse(text)


def test_utc_texts_have_the_same_length_and_sort_by_time() -> None:
    instants = [0, 1, 999_999, 1_000_000, DAY - 1, DAY, 738_000 * DAY, 3_652_059 * DAY - 1]
    texts = [utc_text(instant) for instant in instants]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {len("0001-01-01T00:00:00.000000Z")}


def test_a_local_time_before_the_year_1_or_after_9999_has_no_text() -> None:
    assert local_text(0, 0) == "0001-01-01T00:00:00Z"
    assert local_text(0, -MINUTE) is None
    assert local_text(3_652_059 * DAY - 1, MINUTE) is None
