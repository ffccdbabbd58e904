"""Response bodies as pydantic models, for the OpenAPI document and its tests.

The functions return plain mappings and never load these models. The model of a session or timeline copies the types of
its fields from the request body that creates the entity. So of these fields, this module declares only those
that the server sets.
"""

from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypeAliasType

from scheduling import errors
from scheduling.dto import Date, Input, SessionType, unset

Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]

CREATED = "2023-12-01T08:00:00.000Z"
SERVER_FIELDS: dict[str, Any] = {
    "id": Annotated[
        str, Field(description="Never changes.", examples=["0f5c2a6e-8f1d-4c3b-9a7e-2d4b6c8e0f12"])
    ],
    "ownerId": Annotated[
        str, Field(description="The `sub` of a user or the id of a resource, such as a room. Never changes.")
    ],
    "seriesId": Annotated[
        str | None,
        Field(description="The id of the series of which this ONE_TIME session replaces an occurrence."),
    ],
    "originalDate": Annotated[Date | None, Field(description="The local date of the replaced occurrence.")],
    "createdAt": Annotated[Timestamp, Field(description="UTC, with milliseconds.", examples=[CREATED])],
    "updatedAt": Annotated[Timestamp, Field(description="UTC, with milliseconds.", examples=[CREATED])],
    "removedAt": Annotated[Timestamp | None, Field(description="Set only in the response to DELETE.")],
}
"""The fields that the server sets."""


class Response(BaseModel):
    """Base of the models of response bodies and their parts."""

    model_config = ConfigDict(extra="forbid")


class PageMeta(Response):
    """The position of a page in its list. A response without a list has skip 0, take 1 and count 1."""

    skip: int = Field(description="The number of matching items before the page.", examples=[0])
    take: int = Field(description="The maximum number of items on the page.", examples=[10])
    count: int = Field(description="The number of all matching items, on all pages.", examples=[1])
    etags: list[str] = Field(
        default_factory=unset,
        description="The ETag of each row, in the order of `data`. Only with `etags=true`.",
    )


class ResponseMeta(Response):
    """Metadata of a successful response."""

    message: Literal["success"]
    meta: PageMeta


class Occurrence(Response):
    """An occurrence of a session. Its date and times are in the local time of the session."""

    sessionId: str
    timelineId: str
    type: SessionType
    name: str
    date: str = Field(
        description="The local date on which the occurrence starts. `sessionId` and `date` identify the occurrence.",
        json_schema_extra={"format": "date"},
    )
    startDateTime: Timestamp
    endDateTime: Timestamp | None = Field(description="null when the session has no end.")


class Conflict(Response):
    """A session that conflicts with the request, with the times of its first conflicting occurrence.

    If the caller may not read the session, the entry has only the times.
    """

    sessionId: str | None = None
    timelineId: str | None = None
    type: SessionType | None = None
    name: str | None = None
    startDateTime: Timestamp | None
    endDateTime: Timestamp | None


class Shortened(Response):
    """Base of the models of error responses that may omit entries of `details`."""

    hasMore: bool = Field(
        default_factory=unset, description="true if `details` omits entries; otherwise absent."
    )


class GatewayFailure(Response):
    """An error response of the gateway in front of the functions."""

    message: str


def build_model(
    name: str, words: str, fields: dict[str, Any], base: type[BaseModel] = Response
) -> type[BaseModel]:
    """Return a response model with required fields."""
    required: dict[str, Any] = {field: (kind, ...) for field, kind in fields.items()}
    return create_model(name, __base__=base, __doc__=words, **required)


FaultCode = TypeAliasType("FaultCode", errors.FaultCode)
Fault: Any = build_model(
    "Fault", "A fault in one field of the request.", get_type_hints(errors.Fault) | {"code": FaultCode}
)


@cache
def build_entity(
    name: str, fields: tuple[str, ...], body: type[Input], examples: tuple[tuple[str, Any], ...]
) -> type[BaseModel]:
    """Return the model of an entity. Responses contain every field. A field without a value is null."""
    kinds = {**SERVER_FIELDS}
    for field, sent in body.model_fields.items():
        example = [value for name, value in examples if name == field] or None
        words = Field(description=sent.description, examples=example)
        kinds.setdefault(field, Annotated[sent.rebuild_annotation(), words])
    return build_model(name, f"A {name.lower()}.", {field: kinds[field] for field in fields})


@cache
def build_envelope(item: type[BaseModel], is_list: bool) -> type[BaseModel]:
    """Return the model of a successful response: one entity, or a page of entities."""
    noun = item.__name__.lower()
    name, words = (
        (f"{item.__name__}Page", f"A page of {noun}s.")
        if is_list
        else (f"{item.__name__}Response", f"The {noun}.")
    )
    data: Any = list[item] if is_list else item  # type: ignore[valid-type]
    return build_model(name, words, {"data": data, "meta": ResponseMeta})


def build_failure(error: type[errors.ApiError]) -> type[BaseModel]:
    """Return the model of an error response. `details` is empty, except for invalid requests and conflicts."""
    may_be_shortened = issubclass(error, errors.BadRequest | errors.SchedulingConflict)
    details: Any = Annotated[list[Fault], Field(max_length=0)]
    if issubclass(error, errors.BadRequest):
        details = list[Fault]
    elif error is errors.SchedulingConflict:
        details = list[Conflict]
    words = Field(description="A sentence for people. Programs should use `code`.", examples=[error.message])
    identifier = Field(description="The id of the request in the logs.", examples=["Q2x9ZjBkIAMEPPA="])
    fields = {
        "statusCode": Literal[error.status],
        "error": Literal[error.error],
        "code": Literal[error.code],
        "message": Annotated[str, words],
        "details": details,
        "requestId": Annotated[str, identifier],
    }
    return build_model(error.__name__, error.message, fields, Shortened if may_be_shortened else Response)
