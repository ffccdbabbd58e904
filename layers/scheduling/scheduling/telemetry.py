"""Measurements of the current request: DynamoDB calls and retries, for the request log.

An instance of a Lambda function handles one request at a time, so all requests of an instance can share one object.
`http.endpoint` clears the measurements when a request starts. `http.request_log` logs the measurements when the request
ends.
"""

from threading import Lock


class Telemetry:
    """Measurements of the current request, and two attributes of the instance of the function.

    Threads that call DynamoDB in parallel may share the object.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.requests = 0
        """The number of requests that this instance of the function has received."""
        self.named_time_zone_database = False
        """Whether this instance has already logged the release of the time zone database."""
        self.reset()

    def start_request(self) -> None:
        """Count a request and clear the measurements of the previous request."""
        self.requests += 1
        self.reset()

    def reset(self) -> None:
        """Clear the measurements."""
        self.retries = 0
        self.calls = 0
        self.call_retries = 0
        self.milliseconds = 0.0
        self.slowest_operation = ""
        self.slowest_milliseconds = 0.0

    def record_retry(self) -> None:
        """Count one retry of a use case after a write conflict."""
        self.retries += 1

    def record_call(self, operation: str, milliseconds: float, retries: int = 0) -> None:
        """Record the time of one DynamoDB call, including botocore's retries, and the number of these retries."""
        with self._lock:
            self.calls += 1
            self.call_retries += retries
            self.milliseconds += milliseconds
            if milliseconds > self.slowest_milliseconds:
                self.slowest_operation, self.slowest_milliseconds = operation, milliseconds


telemetry = Telemetry()
