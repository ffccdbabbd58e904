"""Models for the peers that validate requests (FastAPI and Powertools)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CreateSession(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["ONE_TIME", "RECURRING"]
    timelineId: str = Field(pattern="^[0-9A-Za-z-]{1,64}$")
    name: str = Field(min_length=1, max_length=200)
    startDateTime: str | None = None
    endDateTime: str | None = None
    repeatCycleType: Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"] | None = None
    recurringDayOfWeek: str | None = None
    description: str | None = Field(None, max_length=4000)


class Session(BaseModel):
    id: str
    type: str
    timelineId: str
    name: str
    startDateTime: str | None = None
    endDateTime: str | None = None
    repeatCycleType: str | None = None
    recurringDayOfWeek: str | None = None
    description: str | None = None
    createdAt: str | None = None
    updatedAt: str | None = None
    removedAt: str | None = None


class SessionResponse(BaseModel):
    data: Session


class SessionsResponse(BaseModel):
    data: list[Session]
