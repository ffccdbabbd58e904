"""What comes in: the bodies and queries of all endpoints, as pydantic models.

Strict: no coercion, no unknown field. The read-only fields of a response are dropped, so that a client can
send back what it read. Rules between fields are the entities' (`session.faults`).
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from scheduling import session
from scheduling.errors import BadRequest, Fault
from scheduling.instants import ISO_8601, parse


def _date_time(text: str) -> str:
    parse(text)
    return text


def _whole_number(text: object) -> object:
    """The number that a query parameter spells; anything else is left for pydantic to refuse."""
    plain = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 18
    return int(str(text)) if plain else text


def _unset() -> Any:
    """The default of what a PATCH may leave out but not clear."""


SessionType = Literal["ONE_TIME", "RECURRING"]
Cycle = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Field(json_schema_extra={"pattern": r"\S"}),
]
Description = Annotated[str, StringConstraints(max_length=4000)]
Reference = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
OwnerId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
DateTime = Annotated[
    str,
    AfterValidator(_date_time),
    Field(json_schema_extra={"format": "date-time", "pattern": f"^{ISO_8601.pattern}$"}),
]
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]


class Input(BaseModel):
    """A body or a query."""

    model_config = ConfigDict(strict=True, extra="forbid")

    read_only: ClassVar[frozenset[str]] = frozenset()
    """Fields of a response that are ignored."""
    partial: ClassVar[bool] = False
    """Whether what is not sent stays as it is, instead of taking its default."""

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        """What is wrong between fields that are each right by themselves."""
        return ()

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {field: value for field, value in raw.items() if field not in cls.read_only}


class CreateSession(Input):
    """A session to schedule."""

    read_only = frozenset({"id", "createdAt", "updatedAt", "removedAt"})

    type: SessionType = Field(description="Whether it takes place once or again and again.")
    timelineId: Reference = Field(description="The timeline (routine) that it belongs to.")
    name: Name = Field(description="1 to 200 characters, not counting white space at the ends.")
    startDateTime: DateTime | None = Field(
        None, description="ISO 8601 with an offset or Z. Recurrence is reckoned in this offset."
    )
    endDateTime: DateTime | None = Field(
        None, description="After startDateTime; the session occupies the time up to it, itself not included."
    )
    repeatCycleType: Cycle | None = Field(
        None, description="How often a RECURRING session takes place. Until it is set, only once."
    )
    recurringDayOfWeek: Weekday | None = Field(
        None, description="The day of a WEEKLY session; null means the weekday of startDateTime."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        return session.faults(fields)


class UpdateSession(CreateSession):
    """The fields of a session to change; null clears one. What is not sent stays as it is."""

    partial = True

    type: SessionType = Field(default_factory=_unset, description="ONE_TIME clears the cycle and the day.")
    timelineId: Reference = Field(default_factory=_unset, description="The timeline to move the session to.")
    name: Name = Field(
        default_factory=_unset, description="1 to 200 characters, not counting white space at the ends."
    )


class Page(Input):
    """Which part of a list."""

    skip: Annotated[
        WholeNumber, Field(ge=0, le=10**18 - 1, description="How many to leave out from the beginning.")
    ] = 0
    take: Annotated[WholeNumber, Field(ge=1, le=100, description="How many to return at the most.")] = 10


class ListSessions(Page):
    """Which sessions, in which order."""

    timelineId: Reference | None = Field(None, description="Only the sessions of this timeline.")
    startDateTimeSortOrder: Literal["ASC", "DESC"] = Field(
        "DESC", description="Sessions without a start come last in both."
    )
    startDateTimeFrom: DateTime | None = Field(None, description="Only sessions that start then or later.")
    startDateTimeTo: DateTime | None = Field(None, description="Only sessions that start before then.")


class ListTimelines(Page):
    """Which timelines."""


class CreateTimeline(Input):
    """A timeline to make."""

    read_only = frozenset({"id", "createdAt", "updatedAt", "removedAt"})

    name: Name = Field(description="1 to 200 characters, not counting white space at the ends.")
    description: Description | None = Field(None, description="Up to 4,000 characters.")
    ownerId: OwnerId | None = Field(
        None, description="Whose time its sessions take. Only an ADMIN may name another than themselves."
    )


class UpdateTimeline(Input):
    """The fields of a timeline to change; null clears one. What is not sent stays as it is."""

    read_only = CreateTimeline.read_only | {"ownerId"}
    partial = True

    name: Name = Field(
        default_factory=_unset, description="1 to 200 characters, not counting white space at the ends."
    )
    description: Description | None = Field(None, description="Up to 4,000 characters.")


def read(model: type[Input], raw: object) -> dict[str, Any]:
    """The fields of a valid input: those sent of a partial one, else all.

    Raises:
        BadRequest: with every fault, also those between the fields that are right by themselves.
    """
    faults: list[Fault] = []
    try:
        fields = model.model_validate(raw).model_dump(exclude_unset=model.partial)
    except ValidationError as error:
        faults = [_fault(entry) for entry in error.errors(include_url=False, include_input=False)]
        if not isinstance(raw, dict):
            raise BadRequest(*faults) from None
        wrong = {fault.field for fault in faults}
        known = {field: raw.get(field) for field in model.model_fields if field in raw or not model.partial}
        fields = {field: value for field, value in known.items() if field not in wrong}
    faults += model.faults(fields)
    if faults:
        raise BadRequest(*faults)
    return fields


def _fault(entry: Mapping[str, Any]) -> Fault:
    field = str(entry["loc"][0]) if entry["loc"] else "body"
    if entry["type"] == "value_error":
        return Fault(field, str(entry["ctx"]["error"]))
    if entry["type"] == "model_type":
        return Fault(field, "Must be a JSON object.")
    return Fault(field, f"{entry['msg']}.")
