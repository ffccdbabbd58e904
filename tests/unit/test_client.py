"""Requests of the layer's client, compared with those of an unchanged botocore client."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse

from scheduling.store import client as store
from scheduling.store.items import serialize

ITEM = serialize({"id": "a", "count": 1, "flag": True, "map": {"text": "b"}, "list": ["c"], "nothing": None})
CALLS: dict[str, dict[str, Any]] = {
    "get_item": {"TableName": "t", "Key": {"id": ITEM["id"]}},
    "batch_get_item": {"RequestItems": {"t": {"Keys": [{"id": ITEM["id"]}]}}},
    "put_item": {"TableName": "t", "Item": ITEM},
    "query": {
        "TableName": "t",
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": ITEM["id"]},
    },
    "transact_write_items": {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}]},
}


def sent(client: Any, operation: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the body of a request, without the values that differ each time."""
    requests: list[Any] = []

    def answer(request: AWSRequest, **_: object) -> AWSResponse:
        requests.append(request)
        raw: Any = type("Raw", (), {"stream": lambda *_: iter([b"{}"])})()
        return AWSResponse(request.url, 200, {}, raw)

    client.meta.events.register("before-send", answer)
    getattr(client, operation)(**CALLS[operation])
    client.meta.events.unregister("before-send", answer)
    (request,) = requests
    headers = dict(request.headers.items())
    for name in ("User-Agent", "X-Amz-Date", "Authorization", "amz-sdk-invocation-id", "Content-Length"):
        assert headers.pop(name)
    body = json.loads(request.body)
    if "ClientRequestToken" in body:
        body["ClientRequestToken"] = "made up"
    return headers, body


@pytest.mark.parametrize("operation", CALLS)
def test_without_the_handlers_of_other_services_a_request_is_the_same(
    operation: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_LAMBDA_FUNCTION_NAME", "create_session")
    environment.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    usual = botocore.session.Session().create_client("dynamodb")
    ours = sent(store.client(), operation)
    assert ours == sent(usual, operation)
    assert "X-Amzn-Trace-Id" in ours[0]
    assert ("ClientRequestToken" in ours[1]) == (operation == "transact_write_items")
