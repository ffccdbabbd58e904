"""What comes in: the bodies and queries of all endpoints, as pydantic models.

Each has a module of its own: a cold start pays for every model that it imports, and an endpoint needs one.
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

from scheduling.domain.instants import ISO_8601, parse
from scheduling.errors import BadRequest, Fault


def _date_time(text: str) -> str:
    parse(text)
    return text


def _whole_number(text: object) -> object:
    """The number that a query parameter spells; anything else is left for pydantic to refuse."""
    plain = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 18
    return int(str(text)) if plain else text


def unset() -> Any:
    """The default of what a PATCH may leave out but not clear."""


READ_ONLY = frozenset({"id", "createdAt", "updatedAt", "removedAt"})

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

    repeatable: ClassVar[frozenset[str]] = frozenset()
    """Query parameters that may be given several times; their values come as a list."""

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
