"""Minimal function with the same endpoints, which uses only boto3's client and json."""

import json
import os

import boto3

client = boto3.client("dynamodb")


def lambda_handler(event, context):
    """Create a session, return a session or list sessions. The event's method and path parameters select the action."""
    method = event["requestContext"]["http"]["method"]
    table = os.environ["SESSIONS_TABLE"]
    if method == "POST":
        fields = json.loads(event["body"])
        item = {name: {"S": value} for name, value in fields.items()}
        client.put_item(TableName=table, Item={"id": {"S": "1"}, **item})
        body = {"data": fields}
    elif event.get("pathParameters"):
        item = client.get_item(TableName=table, Key={"id": {"S": event["pathParameters"]["sessionId"]}})[
            "Item"
        ]
        body = {"data": read_item(item)}
    else:
        found = client.query(
            TableName=table,
            IndexName="owner-startDateTime-index",
            KeyConditionExpression="ownerId = :owner",
            ExpressionAttributeValues={":owner": {"S": "1"}},
            Limit=10,
        )
        body = {"data": [read_item(item) for item in found["Items"]]}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def read_item(item):
    """Return an item as a dict of texts. A number is also a text in DynamoDB's JSON."""
    return {name: text for name, value in item.items() for text in value.values()}
