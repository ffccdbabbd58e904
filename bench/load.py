"""Load of several users on the local stack, and memory of a warm function: `python -m bench.load [seconds]`.

The command reports these faults: a 5xx, overlapping sessions of one owner, a wrong count of a list, and memory that
grows by more than 4 MiB. An answer that is not JSON stops the command with an exception.
"""

import os
import random
import resource
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import boto3
import httpx
from moto import mock_aws

from local.stack import Stack, free_port
from scheduling.domain.recurrence import conflict, schedule
from tests.support import template
from tests.support.api import Caller

USERS = 6
CALLS = 20_000


class User:
    """A user who creates, reads, changes and deletes sessions in a loop."""

    def __init__(self, number: int, url: str, token: str) -> None:
        self.random, self.milliseconds, self.statuses = random.Random(number), [], Counter[int]()
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=40)
        self.timelines = [self.call("POST", "/timelines", {"name": "Load"})["data"]["id"] for _ in range(2)]
        self.sessions: list[str] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request, record the time and the status, and return the body."""
        started = time.perf_counter()
        response = self.http.request(method, path, json=body)
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        self.statuses[response.status_code] += 1
        return response.json()

    def perform_action(self) -> None:
        """Perform one random action. About half of the actions are reads."""
        chance = self.random.random()
        if chance < 0.25:
            answer = self.call("POST", "/sessions", self.build_session())
            if "data" in answer:
                self.sessions.append(answer["data"]["id"])
            return
        if chance < 0.45 or not self.sessions:
            self.call("GET", "/sessions")
            return
        path = f"/sessions/{self.random.choice(self.sessions)}"
        if chance < 0.7:
            self.call("GET", path)
        elif chance < 0.85:
            self.call("PATCH", path, {"name": f"Name {chance}"})
        elif chance < 0.95:
            body = self.build_session()
            self.call("PATCH", path, {field: body[field] for field in ("startDateTime", "endDateTime")})
        else:
            self.sessions.remove(path.rpartition("/")[2])
            self.call("DELETE", path)

    def build_session(self) -> dict[str, Any]:
        """Build the body of a POST of a session at a random time. Some sessions conflict with earlier sessions."""
        month, day = self.random.randint(1, 12), self.random.randint(1, 28)
        hour = f"2023-{month:02}-{day:02}T{self.random.randint(6, 20):02}"
        series = {"type": "RECURRING", "repeatCycleType": "MONTHLY"} if self.random.random() < 0.05 else {}
        return {
            "type": "ONE_TIME",
            **series,
            "timelineId": self.random.choice(self.timelines),
            "name": "Load",
            "startDateTime": f"{hour}:00:00Z",
            "endDateTime": f"{hour}:50:00Z",
        }

    def find_faults(self) -> list[str]:
        """Return a text for each pair of overlapping sessions of this user, and a text if a count is wrong."""
        listed: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", f"/sessions?take=100&skip={len(listed)}")
            listed += page["data"]
            if not page["data"]:
                break
        found = (
            [] if page["meta"]["meta"]["count"] == len(listed) == len(self.sessions) else ["a count is wrong"]
        )
        for one, other in combinations(listed, 2):
            first, second = schedule(one), schedule(other)
            if first and second and conflict(first, second):
                found.append(f"{one['id']} and {other['id']} overlap")
        return found


def run_load(seconds: int) -> list[str]:
    """Let all users call the local stack for a number of seconds. Return the faults."""
    stack = Stack("load", free_port(), {})
    with stack:
        users = []
        for number in range(USERS):
            stack.add_user(f"load{number}", "USER")
            users.append(User(number, stack.url, stack.token_of(f"load{number}")))
        deadline = time.monotonic() + seconds

        def act_until_deadline(user: User) -> None:
            while time.monotonic() < deadline:
                user.perform_action()

        with ThreadPoolExecutor(USERS) as pool:
            list(pool.map(act_until_deadline, users))
        statuses = sum((user.statuses for user in users), Counter[int]())
        took = sorted(one for user in users for one in user.milliseconds)
        print(
            f"{len(took)} requests of {USERS} users in {seconds} s, by status: {dict(sorted(statuses.items()))}"
        )
        print(", ".join(f"p{part}: {took[len(took) * part // 100]:.0f} ms" for part in (50, 90, 99)))
        faults = [
            f"{count} answers of status {status}" for status, count in statuses.items() if status >= 500
        ]
        return faults + [fault for user in users for fault in user.find_faults()]


def measure_memory() -> list[str]:
    """Call one warm function 20,000 times.

    Return a fault if the memory grows by more than 4 MiB between the 1,000th call and the last call.
    """
    credentials = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    os.environ |= {**template.environment(JwtIssuer="https://issuer.test"), **credentials}
    os.environ["POWERTOOLS_LOG_LEVEL"] = "ERROR"
    with mock_aws():
        for table in template.tables():
            boto3.client("dynamodb").create_table(**table)
        anna = Caller("anna")
        id = anna.call("create_timeline", body={"name": "Memory"}).data["id"]
        before = 0
        for number in range(CALLS):
            anna.call("get_timeline", id=id)
            if number == CALLS // 20:
                before = _read_memory()
        grown = _read_memory() - before
    print(f"{CALLS} calls of a warm function: {grown / 1024:.1f} MiB more than after the first {CALLS // 20}")
    return [f"memory grew by {grown} KiB"] if grown > 4096 else []


def _read_memory() -> int:
    """Return the current memory of this process in KiB. On systems without `/proc`, return the peak memory."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmRSS:")[2].split()[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak  # macOS reports bytes


def main(seconds: int = 120) -> int:
    """Measure the memory, run the load, and print the faults. Return the number of faults."""
    faults = [*measure_memory(), *run_load(seconds)]
    for fault in faults:
        print(fault)
    return len(faults)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
