"""Emulator process: ministack with additional features that the template needs, and a separate port for the API.

ministack reads its settings at import, so local/stack.py passes the settings in the environment. This module wraps
functions of ministack to add these features:

- routes, authorizers and CORS rules of an HTTP API, which SAM writes into an OpenAPI document
- the time to live of tables
- the values of the template's parameters in the SAM transform; ministack alone would use the default values
- the shard's id in events of DynamoDB streams
- records of DynamoDB streams that survive a restart

The wrapped functions are private, so another version of ministack may change them. requirements/dev.in therefore pins
the version. The e2e tests fail if a wrapped function changes.
"""

import asyncio
import copy
import json
import os
import signal
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import hypercorn_compat
from ministack.services import apigateway, dynamodb, dynamodb_streams, lambda_svc
from ministack.services.cloudformation import changesets, engine, handlers
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS
from samtranslator.translator import transform

API_PORT = int(os.environ["API_PORT"])
SOCKETS = os.environ["SOCKETS"].split()
STATUS_PATH = "/_local/status"

Properties = dict[str, Any]


def create_routes(api_id: str, properties: Properties) -> None:
    """Create the routes, authorizers and CORS rules that the OpenAPI document of an HTTP API contains."""
    document = properties.get("Body") or {}
    schemes = document.get("components", {}).get("securitySchemes", {})
    authorizer_ids = {name: uuid4().hex[:8] for name in schemes}
    apigateway._authorizers[api_id] = {
        authorizer_ids[name]: _build_authorizer(
            authorizer_ids[name], name, scheme["x-amazon-apigateway-authorizer"]
        )
        for name, scheme in schemes.items()
    }
    apigateway._routes[api_id], apigateway._integrations[api_id] = {}, {}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            if "x-amazon-apigateway-integration" in operation:
                _add_route(api_id, path, method, operation, authorizer_ids)
    if cors := document.get("x-amazon-apigateway-cors"):
        apigateway._apis[api_id]["corsConfiguration"] = cors


def _build_authorizer(authorizer_id: str, name: str, scheme: Properties) -> Properties:
    audience = scheme["jwtConfiguration"]["audience"]
    return {
        "authorizerId": authorizer_id,
        "authorizerType": "JWT",
        "name": name,
        "identitySource": [scheme["identitySource"]],
        "jwtConfiguration": {
            "issuer": scheme["jwtConfiguration"]["issuer"],
            "audience": audience if isinstance(audience, list) else [audience],
        },
    }


def _add_route(
    api_id: str, path: str, method: str, operation: Properties, authorizer_ids: dict[str, str]
) -> None:
    integration_id, route_id = uuid4().hex[:8], uuid4().hex[:8]
    integration = operation["x-amazon-apigateway-integration"]
    apigateway._integrations[api_id][integration_id] = {
        "integrationId": integration_id,
        "integrationType": integration["type"].upper(),
        "integrationUri": integration["uri"],
        "integrationMethod": integration["httpMethod"],
        "payloadFormatVersion": integration["payloadFormatVersion"],
        "timeoutInMillis": 30000,
        "connectionType": "INTERNET",
    }
    verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
    # A public route names the security scheme NONE, which the document does not define.
    schemes = [name for scheme in operation.get("security", []) for name in scheme if name in authorizer_ids]
    apigateway._routes[api_id][route_id] = {
        "routeId": route_id,
        "routeKey": "$default" if path == "/$default" else f"{verb} {path}",
        "target": f"integrations/{integration_id}",
        "authorizationType": "JWT" if schemes else "NONE",
        "authorizerId": authorizer_ids[schemes[0]] if schemes else None,
        "authorizationScopes": [],
        "apiKeyRequired": False,
    }


def enable_time_to_live(table_name: str, properties: Properties) -> None:
    """Enable the time to live of a table, if the table's properties in the template enable the time to live."""
    if specification := properties.get("TimeToLiveSpecification"):
        enabled = str(specification["Enabled"]).lower() == "true"
        dynamodb._update_ttl(
            {"TableName": table_name, "TimeToLiveSpecification": {**specification, "Enabled": enabled}}
        )


def call_after_changes(resource_type: str, finish: Callable[[str, Properties], None]) -> None:
    """Call `finish` after each creation and each update of a resource of the type.

    The arguments of `finish` are the physical id and the properties of the resource.
    """
    known = _RESOURCE_HANDLERS[resource_type]
    create, update = known["create"], known["update"]

    def create_and_finish(logical_id: str, properties: Properties, stack: str) -> Any:
        physical_id, attributes = create(logical_id, properties, stack)
        finish(physical_id, properties)
        return physical_id, attributes

    def update_and_finish(
        old_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None
    ) -> Any:
        physical_id, attributes = update(old_id, old, new, stack, logical_id=logical_id)
        finish(physical_id, new)
        return physical_id, attributes

    _RESOURCE_HANDLERS[resource_type] = {**known, "create": create_and_finish, "update": update_and_finish}


def pass_parameters_to_sam() -> None:
    """Pass the values of the template's parameters to the SAM transform, as AWS does."""
    values: ContextVar[Properties] = ContextVar("values")
    apply_transforms, sam_transform = engine._apply_transforms, transform.transform

    def apply_with_values(template: Properties, provided: Any = None, previous: Any = None) -> Any:
        token = values.set(engine._transform_parameters(template, provided, previous))
        try:
            return apply_transforms(template, provided, previous)
        finally:
            values.reset(token)

    for module in (changesets, engine, handlers):
        module._apply_transforms = apply_with_values
    transform.transform = lambda template, _, policies: sam_transform(template, values.get(), policies)


def name_shards_of_streams() -> None:
    """Add the shard's id to each event of a DynamoDB stream, as Lambda does for a function with a tumbling window."""
    execute = lambda_svc._execute_function

    def execute_with_shard(function: Any, event: Any, *rest: Any, **options: Any) -> Any:
        records = event.get("Records") if isinstance(event, dict) else None
        if records and records[0].get("eventSource") == "aws:dynamodb":
            event = {**event, "shardId": dynamodb_streams._DEFAULT_SHARD_ID}
        return execute(function, event, *rest, **options)

    lambda_svc._execute_function = execute_with_shard


def keep_streams() -> None:
    """Keep the records of streams when the emulator restarts.

    ministack stores the position up to which a function has read a stream, but not the records. Without the
    records, the stream would be empty after a restart. Then the Lambda function would receive no new record until the
    stream is as long as before.
    """
    save, restore = dynamodb.get_state, dynamodb.load_persisted_state
    kept = {"stream_records": dynamodb._stream_records, "stream_trimmed": dynamodb._stream_trimmed}

    def get_state() -> Any:
        return {**save(), **copy.deepcopy(kept)}

    def load_persisted_state(data: Any) -> None:
        restore(data)
        for name, records in kept.items():
            records.update((data or {}).get(name, {}))

    dynamodb.get_state, dynamodb.load_persisted_state = get_state, load_persisted_state


async def serve_request(scope: Properties, receive: Any, send: Any) -> None:
    """Serve the API on the port API_PORT, and the emulated AWS services on the next port."""
    if scope["type"] == "http" and scope["path"] == STATUS_PATH:
        await _send_json(send, {"pid": os.getpid(), "state": os.environ["STATE_DIR"]})
        return
    if scope["type"] == "http" and scope["server"][1] == API_PORT:
        api_ids = [key[-1] for key in apigateway._apis._data] or ["none"]
        prefix = f"/_aws/execute-api/{api_ids[-1]}/$default"
        scope = {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + scope["raw_path"]}
    await ministack.app(scope, receive, send)


async def _send_json(send: Any, body: Properties) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def serve_until_stopped() -> None:
    """Serve requests until SIGTERM or SIGINT arrives. Then let ministack write its state to disk, and return."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: stop.set())
    config = Config()
    config.bind = [f"fd://{number}" for number in SOCKETS]  # local/stack.py has opened these sockets
    config.keep_alive_timeout = 75
    await serve(serve_request, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


def main() -> None:
    hypercorn_compat.install()
    call_after_changes("AWS::ApiGatewayV2::Api", create_routes)
    call_after_changes("AWS::DynamoDB::Table", enable_time_to_live)
    pass_parameters_to_sam()
    name_shards_of_streams()
    keep_streams()
    asyncio.run(serve_until_stopped())


if __name__ == "__main__":
    main()
