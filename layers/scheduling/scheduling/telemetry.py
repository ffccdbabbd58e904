"""Measurements of the request in progress: database calls and retries, for the request log.

A Lambda function handles one request at a time, so the measurements of one request live in one object.
`http.request_log` resets the object at the start of a request and reads it at the end.
"""

from threading import Lock


class Telemetry:
    """Counts of what one request did. Safe to use from the threads that read in parallel."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget the previous request."""
        self.retries = 0
        self.calls = 0
        self.milliseconds = 0.0
        self.slowest_operation = ""
        self.slowest_milliseconds = 0.0

    def record_retry(self) -> None:
        """Count one retry after a write conflict."""
        self.retries += 1

    def record_call(self, operation: str, milliseconds: float) -> None:
        """Count one database call."""
        with self._lock:
            self.calls += 1
            self.milliseconds += milliseconds
            if milliseconds > self.slowest_milliseconds:
                self.slowest_operation, self.slowest_milliseconds = operation, milliseconds


telemetry = Telemetry()
