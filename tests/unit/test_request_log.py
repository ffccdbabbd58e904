"""Format of the request log."""

import logging
from datetime import UTC, datetime

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from scheduling.domain.permissions import Principal
from scheduling.http import request_log
from scheduling.http.event import read_event


@pytest.mark.parametrize("principal", [None, Principal("anna", frozenset(["USER"]))])
@pytest.mark.parametrize(
    "trace", ["", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"]
)
def test_the_line_of_a_request_is_the_same_as_with_the_formatter_of_powertools(
    principal: Principal | None, trace: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("_X_AMZN_TRACE_ID", trace)
    logger, records = request_log.logger(), list[logging.LogRecord]()
    environment.setattr(logger.registered_handler, "emit", records.append)
    event, now = (
        read_event({"routeKey": "GET /sessions", "requestContext": {"requestId": "1"}}),
        datetime.now(UTC),
    )
    request_log.report(request_log.Outcome(event, None, principal, None, 200, 1.5, None, now))
    (record,) = records
    same = logging.makeLogRecord(record.__dict__ | record.__dict__["line"])
    del same.__dict__["line"]
    powertools = LambdaPowertoolsFormatter(service=logger.service, location=None)
    assert logger.registered_formatter.format(record) == powertools.format(same)
