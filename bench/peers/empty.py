"""Function that does nothing: the cost of the interpreter itself."""


def lambda_handler(event, context):
    """Return an empty answer."""
    return {"statusCode": 200, "headers": {}, "body": ""}
