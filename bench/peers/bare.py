"""Function that only makes DynamoDB calls with an unchanged boto3 client."""

import boto3

client = boto3.client("dynamodb")


def lambda_handler(event, context):
    """Make the calls that the event lists."""
    for method, parameters in event["calls"]:
        getattr(client, method)(**parameters)
    return {"statusCode": 200, "headers": {}, "body": ""}
