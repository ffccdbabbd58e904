"""Function that does nothing: the cost of the interpreter itself."""


def lambda_handler(event, context):
    return {"statusCode": 200, "headers": {}, "body": ""}
