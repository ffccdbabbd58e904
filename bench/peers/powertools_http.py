"""Endpoints with Powertools' HTTP resolver and validation."""

import os
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from models import CreateSession, SessionResponse, SessionsResponse

app = APIGatewayHttpResolver(enable_validation=True)
client = boto3.client("dynamodb")


@app.get("/sessions/<session_id>")
def get_session(session_id: str) -> SessionResponse:
    """Return one session."""
    item = client.get_item(TableName=os.environ["SESSIONS_TABLE"], Key={"id": {"S": session_id}})["Item"]
    return SessionResponse(data=read_item(item))


@app.post("/sessions")
def create_session(body: CreateSession) -> SessionResponse:
    """Create a session."""
    fields = {"id": "1", **body.model_dump(exclude_none=True)}
    client.put_item(
        TableName=os.environ["SESSIONS_TABLE"], Item={name: {"S": value} for name, value in fields.items()}
    )
    return SessionResponse(data=fields)


@app.get("/sessions")
def list_sessions(
    skip: Annotated[int, Query(ge=0)] = 0, take: Annotated[int, Query(ge=1, le=100)] = 10
) -> SessionsResponse:
    """Return the first `skip + take` sessions of an owner."""
    found = client.query(
        TableName=os.environ["SESSIONS_TABLE"],
        IndexName="owner-startDateTime-index",
        KeyConditionExpression="ownerId = :owner",
        ExpressionAttributeValues={":owner": {"S": "1"}},
        Limit=skip + take,
    )
    return SessionsResponse(data=[read_item(item) for item in found["Items"]])


def read_item(item):
    """Return an item as a dict of texts. A number is also a text in DynamoDB's JSON."""
    return {name: text for name, value in item.items() for text in value.values()}


def lambda_handler(event, context):
    """Answer an event of an HTTP API."""
    return app.resolve(event, context)
