"""Input models: the bodies and queries of all endpoints, as pydantic models.

The model of each body and of each query has a separate module, because every imported model slows down a cold start.
The models are strict: they refuse unknown fields and convert no types, except whole numbers and flags in queries. The
models of bodies ignore the read-only fields of a response. So a client can send a session from a response in a PATCH.
The rules that compare several fields of a session are in `domain`.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

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
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from scheduling.domain.instants import ISO_8601, day_number, parse
from scheduling.errors import BadRequest, Fault, FaultCode

MISSING_OFFSET = (
    "Must have a time and an offset from UTC, such as 2023-12-01T09:00:00Z or 2023-12-01T09:00:00+01:00. "
    "In a browser, new Date(value).toISOString() returns this form."
)


def _check_date_time(text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        if any(_is_date_time(text + missing) for missing in ("Z", "T00:00Z")):
            raise _invalid("MISSING_OFFSET", MISSING_OFFSET) from None
        raise _invalid("INVALID_DATE_TIME", str(error)) from None
    return text


def _is_date_time(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _check_date(text: str) -> str:
    try:
        day_number(text)
    except ValueError as error:
        raise _invalid("INVALID_DATE", str(error)) from None
    return text


def _check_all_different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise _invalid("DUPLICATE", "Must not contain a value twice.")
    return values


def _invalid(code: FaultCode, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{message}", {"message": message})


def _read_whole_number(text: object) -> object:
    """Return a query parameter as an integer. Return any other text unchanged, so that pydantic refuses the text."""
    plain = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 18
    return int(str(text)) if plain else text


def _read_flag(text: object) -> object:
    """Return `true` or `false` as a boolean. Return any other text unchanged, so that pydantic refuses the text."""
    return {"true": True, "false": False}.get(str(text), text)


def unset() -> Any:
    """Return None. Use this function as the default of a field that a request may omit, but not set to null."""


READ_ONLY = frozenset({"id", "seriesId", "originalDate", "createdAt", "updatedAt", "removedAt"})

# These types have names, because the OpenAPI document and generated clients use the names.
SessionType = TypeAliasType("SessionType", Literal["ONE_TIME", "RECURRING"])
RepeatCycle = TypeAliasType("RepeatCycle", Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
DayOfWeek = TypeAliasType(
    "DayOfWeek", Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
)
SortOrder = TypeAliasType("SortOrder", Literal["ASC", "DESC"])
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
    AfterValidator(_check_date_time),
    Field(json_schema_extra={"format": "date-time", "pattern": f"^{ISO_8601.pattern}$"}),
]
Date = Annotated[str, AfterValidator(_check_date), Field(json_schema_extra={"format": "date"})]
TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
OneTo999 = Annotated[int, Field(ge=1, le=999)]
Weekdays = Annotated[
    list[DayOfWeek],
    Field(min_length=1, max_length=7, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_check_all_different),
]
Dates = Annotated[
    list[Date],
    Field(max_length=366, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_check_all_different),
]
Flag = Annotated[bool, BeforeValidator(_read_flag)]
WholeNumber = Annotated[int, BeforeValidator(_read_whole_number)]


class Input(BaseModel):
    """Model of a body or a query."""

    model_config = ConfigDict(strict=True, extra="forbid")

    read_only: ClassVar[frozenset[str]] = frozenset()
    """Fields of a response that the model ignores."""
    partial: ClassVar[bool] = False
    """True when an omitted field stays unchanged. Otherwise an omitted field gets its default."""
    repeatable: ClassVar[frozenset[str]] = frozenset()
    """Query parameters that a client may send several times. Their values form a list."""

    @classmethod
    def names(cls) -> list[str]:
        """Return the field names that clients send, such as `from` for the attribute `from_`."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @classmethod
    def faults(cls, fields: Mapping[str, Any]) -> Iterable[Fault]:
        """Return the faults that concern several fields, such as an end before the start."""
        return ()

    @model_validator(mode="before")
    @classmethod
    def _drop_read_only(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {field: value for field, value in raw.items() if field not in cls.read_only}


def read(model: type[Input], raw: object) -> dict[str, Any]:
    """Return the fields of a valid input. For a partial model, return only the fields that were sent.

    Raises:
        BadRequest: the input has at least one fault.
    """
    faults: list[Fault] = []
    try:
        fields = model.model_validate(raw).model_dump(by_alias=True, exclude_unset=model.partial)
    except ValidationError as error:
        faults = [_to_fault(entry) for entry in error.errors(include_url=False, include_input=False)]
        if not isinstance(raw, dict):
            raise BadRequest(*faults) from None
        wrong = {fault.field for fault in faults}
        known = {field: raw.get(field) for field in model.names() if field in raw or not model.partial}
        fields = {field: value for field, value in known.items() if field not in wrong}
    faults += model.faults(fields)
    if faults:
        raise BadRequest(*faults)
    return fields


_TEXTS: Mapping[str, tuple[FaultCode, str]] = {
    "missing": ("REQUIRED", "Is required."),
    "extra_forbidden": ("UNKNOWN_FIELD", "Is not a known field. Check the spelling."),
    "invalid_key": ("INVALID_FORMAT", "Must have field names that are valid Unicode text."),
    "model_type": ("INVALID_JSON", "Must be a JSON object."),
    "string_type": ("WRONG_TYPE", "Must be a string."),
    "string_unicode": ("INVALID_FORMAT", "Must be valid Unicode text."),
    "string_too_short": ("TOO_SHORT", "Must have at least {min_length:,} characters."),
    "string_too_long": ("TOO_LONG", "Must have at most {max_length:,} characters."),
    "string_pattern_mismatch": ("INVALID_FORMAT", "Must match the pattern {pattern}."),
    "int_type": ("WRONG_TYPE", "Must be a whole number."),
    "bool_type": ("WRONG_TYPE", "Must be true or false."),
    "list_type": ("WRONG_TYPE", "Must be an array."),
    "too_short": ("TOO_SHORT", "Must have at least {min_length:,} entries."),
    "too_long": ("TOO_LONG", "Must have at most {max_length:,} entries."),
    "greater_than_equal": ("TOO_SMALL", "Must be at least {ge:,}."),
    "less_than_equal": ("TOO_LARGE", "Must be at most {le:,}."),
    "multiple_of": ("NOT_A_MULTIPLE", "Must be a multiple of {multiple_of:,}."),
    "literal_error": ("UNKNOWN_VALUE", "Must be {expected}."),
    "value_error": ("INVALID_VALUE", "{error}"),
}
"""The code and message for types of pydantic's errors. Any other type gets the code INVALID_VALUE. pydantic's own
messages are for Python programmers, not for clients."""


def _to_fault(entry: Mapping[str, Any]) -> Fault:
    field = str(entry["loc"][0]) if entry["loc"] else "body"
    kind, values = entry["type"], entry.get("ctx", {})
    if kind in get_args(FaultCode):
        return Fault(field, values["message"], kind)
    if kind == "string_too_short" and values["min_length"] == 1:
        return Fault(field, "Must not be empty.", "TOO_SHORT")
    code, text = _TEXTS.get(kind, ("INVALID_VALUE", "Is not valid."))
    return Fault(field, text.format(**values), code)
