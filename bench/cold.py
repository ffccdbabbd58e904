"""Cost of the first call and of later calls of each function: `python -m bench.cold [--only get_session …]`.

A new interpreter with only the built layer imports a handler and answers one event. A stub of DynamoDB on this machine
answers over TLS, as on AWS. The benchmark also measures peers, which are the same endpoints without our layer:

    floor      boto3's client and json; with bytecode, and without bytecode (as after `sam build`)
    fastapi    FastAPI behind Mangum, with bytecode
    powertools Powertools' HTTP resolver with validation, with bytecode

Each peer makes one DynamoDB call, but some of our functions make more calls or different calls. So the benchmark also
measures each of these calls with a plain boto3 client. Before comparing a function with a peer, the benchmark replaces
the cost of the peer's call by the costs of the function's calls.

If valgrind is installed, the benchmark also counts instructions. The numbers of instructions differ by about 0.1 %
between runs. Times differ much more, because other programs use the machine too.
"""

import argparse
import hashlib
import json
import os
import re
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from bench.store import print_progress
from bench.stub import EMPTY_TIMELINE_ID, OWNER_ID, SESSION_ID, TIMELINE_ID, Stub
from bench.table import table
from tests.support import template
from tests.support.api import Caller
from tests.support.certificates import CertificateAuthority

ROOT = Path(__file__).parent.parent
HERE = Path(__file__).parent
WORK = ROOT / ".local" / "bench"
BUILD = ROOT / "layers" / "scheduling" / "build.py"

WARM_CALLS = 2000
COUNTED_CALLS = 40
ROUNDS = 5

SESSION = {
    "type": "ONE_TIME",
    "timelineId": TIMELINE_ID,
    "name": "Special Workshop",
    "startDateTime": "2023-12-15T14:00:00Z",
    "endDateTime": "2023-12-15T16:00:00Z",
    "description": "Special workshop event",
}
MOVE = {
    "startDateTime": "2023-12-08T10:30:00Z",
    "endDateTime": "2023-12-08T11:30:00Z",
    "description": "Updated",
}

CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "get_session": ("read", {"id": SESSION_ID}),
    "get_timeline": ("read", {"id": TIMELINE_ID}),
    "delete_session": ("read", {"id": SESSION_ID}),
    "delete_timeline": ("read", {"id": EMPTY_TIMELINE_ID}),
    "create_session": ("write", {"body": SESSION}),
    "update_session": ("write", {"id": SESSION_ID, "body": MOVE}),
    "create_timeline": ("write", {"body": {"name": "Yoga"}}),
    "update_timeline": ("write", {"id": TIMELINE_ID, "body": {"name": "Pilates"}}),
    "list_sessions": ("list", {}),
    "list_timelines": ("list", {}),
}
"""The kind of the peer with which each function is compared (read, write or list), and the arguments of the call."""

PEER_CALLS = {"read": CALLS["get_session"][1], "write": CALLS["create_session"][1], "list": {}}
PEER_EVENTS = {"read": "get_session", "write": "create_session", "list": "list_sessions"}

TARGETS = {
    "cold / floor": {"read": 0.75, "write": 1.05, "list": 1.05},
    "cold / floor without bytecode": {"read": 0.25, "write": 0.34, "list": 0.34},
    "cold / fastapi": {"read": 0.35, "write": 0.48, "list": 0.48},
    "warm / floor": {"read": 0.85, "write": 0.80, "list": 0.90},
}

LIMITS = {"read": 750, "write": 1150, "list": 1080}
"""The largest permitted number of instructions of a cold start over TLS, in millions, by kind (see CALLS)."""

PEERS = ("boto3", "fastapi", "mangum", "aws-lambda-powertools", "pydantic")


class Program(NamedTuple):
    """A function or peer that is measured."""

    name: str
    handler: Path
    path: tuple[Path, ...]
    events: tuple[Mapping[str, Any], ...]
    """The events of the calls, in order. The first call is the cold start."""


class Cost(NamedTuple):
    """The cost of handling one event in one program. `cpu`, `wall` and `megabytes` are medians over all rounds."""

    cpu: float
    """Milliseconds of CPU time until the first answer, including the start of the interpreter and the imports."""
    wall: float
    """Milliseconds of real time until the process ends."""
    warm: float
    """Milliseconds of CPU time for each later answer."""
    megabytes: float
    """The peak memory of the process until the first answer, in MiB."""
    instructions: float | None
    """Millions of instructions until the first answer; None if instructions were not counted."""
    warm_instructions: float | None
    """Millions of instructions for each later answer; None if instructions were not counted."""


def main() -> int:
    """Run the command. Return the number of missed targets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", nargs="+", choices=CALLS, default=list(CALLS), help="only these functions")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--warm-calls", type=int, default=WARM_CALLS)
    parser.add_argument(
        "--no-instructions",
        action="store_true",
        help="do not count instructions, even if valgrind is installed",
    )
    parser.add_argument(
        "--no-peers", action="store_true", help="measure only our functions, which takes a few minutes"
    )
    options = parser.parse_args()
    authority = CertificateAuthority("bench")
    with tempfile.TemporaryDirectory() as folder, Stub(authority.server_context(Path(folder))) as stub:
        bench = Bench(stub, Path(folder), authority.root)
        return bench.check_limits(options) if options.no_peers else bench.compare(options)


class Bench:
    """One run of the benchmark: a stub of DynamoDB, the stub's root certificate, and a folder for copied packages."""

    def __init__(self, stub: Stub, folder: Path, root: str) -> None:
        self.stub = stub
        self.folder = folder
        self.root = root
        self.environment = {
            **template.environment(
                JwtIssuer="https://issuer.test", JwtAudience="sessions", **{"AWS::StackName": "s"}
            ),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_ENDPOINT_URL": stub.endpoint,
        }

    def check_limits(self, options: argparse.Namespace) -> int:
        """Measure our functions without the peers. Return the number of functions that exceed their limit."""
        layer = build_layer(self.root)
        programs = [self.prepare_function(function, layer) for function in options.only]
        costs = dict(zip(options.only, (found[0] for found in self.measure(programs, options)), strict=True))
        print_costs(costs, {})
        missed = [name for name, cost in costs.items() if (cost.instructions or 0) > LIMITS[CALLS[name][0]]]
        print(f"\nOver the limit: {', '.join(missed)}" if missed else "\nNo function exceeds its limit.")
        return len(missed)

    def compare(self, options: argparse.Namespace) -> int:
        """Measure our functions and the peers. Return the number of missed targets.

        Return 0 if no instructions were counted.
        """
        layer, peers, peers_uncompiled = (
            build_layer(self.root),
            self.copy_peer_packages(True),
            self.copy_peer_packages(False),
        )
        kinds = dict.fromkeys(CALLS[function][0] for function in options.only)
        ours = {function: self.prepare_function(function, layer) for function in options.only}
        theirs = {}
        for kind in kinds:
            for name, packages in (
                ("floor", peers),
                ("floor without bytecode", peers_uncompiled),
                ("fastapi", peers),
                ("powertools", peers),
            ):
                theirs[name, kind] = self.prepare_peer(name, kind, packages)
        calls = {function: self.record_calls(program) for function, program in ours.items()}
        their_calls = {kind: self.record_calls(theirs["floor", kind]) for kind in kinds}
        distinct = {
            _describe_call(call): call for made in [*calls.values(), *their_calls.values()] for call in made
        }
        bare = self.prepare_bare_calls(distinct.values(), peers)
        empty = Program("empty", HERE / "peers" / "empty.py", (), ({},))

        programs = [*ours.values(), *theirs.values(), bare, empty]
        costs = self.measure(programs, options)
        by_name = {program.name: costs[number][0] for number, program in enumerate(programs)}
        prices = dict(zip(distinct, costs[programs.index(bare)], strict=True))
        del by_name[bare.name]
        print_costs(by_name, prices)

        def price_peer(function: str, kind: str, name: str, what: str, warm: str) -> float:
            """Return the cost of a peer minus the cost of the peer's call, plus the cost of our function's calls."""
            total: float = getattr(by_name[f"{name} {kind}"], what)
            total += sum(getattr(prices[_describe_call(call)], warm) for call in calls[function])
            return total - sum(getattr(prices[_describe_call(call)], warm) for call in their_calls[kind])

        rows, missed = [], 0
        counted = by_name["empty"].instructions is not None
        cold, warm = ("instructions", "warm_instructions") if counted else ("cpu", "warm")
        for function in options.only:
            kind = CALLS[function][0]
            row = [function, str(len(calls[function]))]
            for label, targets in TARGETS.items():
                what = cold if label.startswith("cold") else warm
                against = price_peer(function, kind, label.partition(" / ")[2], what, warm)
                ratio = getattr(by_name[function], what) / against
                met = ratio <= targets[kind] + 0.005
                missed += not met
                row.append(f"{ratio:.2f} (≤ {targets[kind]:.2f}){'' if met else ' MISSED'}")
            rows.append(row)
        print(f"\nRatios, by {'instructions' if counted else 'CPU time'}\n")
        print(table(["function", "calls", *TARGETS], rows))
        print(f"\n{missed} targets missed." if missed else "\nAll targets met.")
        return missed if counted else 0

    def copy_peer_packages(self, compiled: bool) -> Path:
        """Copy the peers' packages, and make the copy trust the stub's certificate. Return the copy."""
        copied = self.folder / f"peers{'' if compiled else '-uncompiled'}"
        shutil.copytree(prepare_peer_packages(compiled), copied)
        trust_root(self.root, copied)
        return copied

    def prepare_function(self, function: str, layer: Path) -> Program:
        """Copy the handler of one of our functions, and return the program that calls the handler."""
        arguments = CALLS[function][1]
        # Copy only the handler, because tests may have left bytecode in the handler's folder.
        copied = self.folder / function / "handler.py"
        copied.parent.mkdir()
        shutil.copy(ROOT / "functions" / function / "handler.py", copied)
        return Program(function, copied, (layer,), (build_event(function, arguments),))

    def prepare_peer(self, name: str, kind: str, packages: Path) -> Program:
        """Copy the handler of a peer. Return the program that calls the peer's endpoint for reads, writes or lists."""
        module = {"floor": "floor", "fastapi": "fastapi_mangum", "powertools": "powertools_http"}[
            name.split()[0]
        ]
        copied = self.folder / f"{name} {kind}"
        copied.mkdir()
        for file in (f"{module}.py", "models.py"):
            shutil.copy(HERE / "peers" / file, copied)
        asked = build_event(PEER_EVENTS[kind], PEER_CALLS[kind])
        return Program(f"{name} {kind}", copied / f"{module}.py", (copied, packages), (asked,))

    def prepare_bare_calls(self, calls: Iterable[tuple[str, Any]], packages: Path) -> Program:
        """Return the program in which a plain boto3 client makes each of the calls."""
        events = []
        for operation, parameters in calls:
            method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
            events.append({"calls": [[method, parameters]]})
        return Program("bare calls", HERE / "peers" / "bare.py", (packages,), tuple(events))

    def record_calls(self, program: Program) -> list[tuple[str, Any]]:
        """Run a program. Return the DynamoDB calls that the program makes."""
        self.stub.calls.clear()
        self.run_program(program, 0)
        return list(self.stub.calls)

    def measure(self, programs: list[Program], options: argparse.Namespace) -> list[list[Cost]]:
        """Measure all programs. Return the costs of each program, one cost for each event.

        In each round, every program starts once. Then each program starts once more, for the warm calls. At the end,
        several copies of valgrind count the instructions in parallel.
        """
        cold: list[list[list[dict[str, Any]]]] = [[] for _ in programs]
        for done in range(options.rounds):
            print_progress(f"round {done + 1} of {options.rounds}, {len(programs)} programs each")
            for number, program in enumerate(programs):
                cold[number].append(self.run_program(program, 0))
        warm = []
        for program in programs:
            print_progress(f"{options.warm_calls} calls of {program.name}")
            warm.append(
                [
                    found["warm"] / max(1, options.warm_calls)
                    for found in self.run_program(program, options.warm_calls)
                ]
            )
        counted: list[list[tuple[float, float]]] = []
        if shutil.which("valgrind") and not options.no_instructions:
            print_progress(f"instructions of {len(programs)} programs: some minutes")
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                counted = list(
                    pool.map(
                        partial(self.count_instructions, calls=min(COUNTED_CALLS, options.warm_calls)),
                        programs,
                    )
                )
        print_progress("")

        def summarize(number: int, event: int) -> Cost:
            """Return the cost of one program and one event."""

            def median(of: str) -> float:
                return statistics.median(run[event][of] for run in cold[number])

            first, further = counted[number][event] if counted else (None, None)
            return Cost(
                cpu=1000 * median("cold"),
                wall=1000 * median("wall"),
                warm=1000 * warm[number][event],
                megabytes=median("kilobytes") / 1024,
                instructions=first,
                warm_instructions=further,
            )

        return [
            [summarize(number, event) for event in range(len(program.events))]
            for number, program in enumerate(programs)
        ]

    def run_program(self, program: Program, warm_calls: int) -> list[dict[str, Any]]:
        """Run a program in a new process, and return the measurements of each event."""
        started = time.perf_counter()
        done = self.run_process(program, warm_calls)
        wall = time.perf_counter() - started
        measured = json.loads(done.stdout.splitlines()[-1])
        for each in measured:
            assert each["answer"]["statusCode"] == 200, (program.name, each["answer"])
        return [{**each, "wall": wall} for each in measured]

    def count_instructions(self, program: Program, calls: int) -> list[tuple[float, float]]:
        """Count instructions with valgrind.

        Returns:
            for each event, two numbers in millions: the instructions until the first answer, and the instructions of
            each later answer.
        """
        with tempfile.TemporaryDirectory(dir=self.folder) as dumps:
            counting = ("valgrind", "--tool=callgrind", "--dump-before=getpgrp")
            self.run_process(program, calls, *counting, f"--callgrind-out-file={dumps}/dump")
            totals = []
            for number in range(1, 3 * len(program.events) + 1):
                found = re.search(
                    r"^totals: (\d+)", (Path(dumps) / f"dump.{number}").read_text("utf-8"), re.M
                )
                assert found
                totals.append(int(found[1]) / 1e6)
        return [
            (totals[3 * event], totals[3 * event + 2] / max(1, calls)) for event in range(len(program.events))
        ]

    def run_process(
        self, program: Program, warm_calls: int, *before: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run `start.py` for a program in a new process. `before` is the beginning of the command line.

        Raises:
            RuntimeError: the process failed.
        """
        specification = {
            "path": [str(folder) for folder in program.path],
            "handler": str(program.handler),
            "environment": self.environment,
            "events": program.events,
            "warm_calls": warm_calls,
        }
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".json") as file:
            json.dump(specification, file)
            file.flush()
            # -s, -S: Python finds no site packages. -B: Python writes no bytecode, as in Lambda, where the layer is
            # read-only. With the fixed hash seed, each run executes nearly the same number of instructions.
            command = [*before, sys.executable, "-P", "-s", "-S", "-B", str(HERE / "start.py"), file.name]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"},
                timeout=900,
            )
        if done.returncode:
            raise RuntimeError(f"{program.name} failed:\n{done.stderr}")
        return done


def build_event(function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a request. The caller owns the stub's sessions and timelines."""
    made = Caller(OWNER_ID).event(
        function,
        arguments.get("id", ""),
        arguments.get("body"),
        {},
        {"host": "api.example.com", "user-agent": "bench", "x-forwarded-for": "192.0.2.1"},
    )
    made["requestContext"]["http"] |= {"sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
    return made


def _describe_call(call: tuple[str, Any]) -> str:
    """Return the operation and the table of a DynamoDB call, or the numbers of writes by kind of a transaction."""
    operation, parameters = call
    if operation == "TransactWriteItems":
        writes = Counter(kind for write in parameters["TransactItems"] for kind in write)
        return f"{operation} {' '.join(f'{n} {kind}' for kind, n in sorted(writes.items()))}"
    return f"{operation} {parameters.get('TableName', '')}".rstrip()


def build_layer(root: str) -> Path:
    """Build the layer for this interpreter, and make it trust a root certificate. Return the folder of its packages."""
    artifacts = WORK / "layer"
    shutil.rmtree(artifacts, ignore_errors=True)
    subprocess.run(
        [sys.executable, BUILD, artifacts],
        env={**os.environ, "LAYER_TARGET": "here"},
        check=True,
    )
    trust_root(root, artifacts / "python")
    return artifacts / "python"


def trust_root(root: str, packages: Path) -> None:
    """Add a root certificate to the certificates that botocore trusts."""
    with (packages / "botocore" / "cacert.pem").open("a", encoding="utf-8") as bundle:
        bundle.write(root)
    directory = packages / "botocore" / "roots"
    if directory.is_dir():
        shutil.rmtree(directory)
        runpy.run_path(str(BUILD))["split_roots"](Path(bundle.name), directory)


def prepare_peer_packages(compiled: bool) -> Path:
    """Copy the peers' packages from this environment, with or without bytecode. Return the folder of the copy.

    Later runs use the same copy. Without a copy, the peers could also import other packages of this environment.
    """
    chosen = sorted(find_dependencies(PEERS))
    state = (
        " ".join(f"{name} {distribution(name).version}" for name in [sys.version, *chosen][1:]) + sys.version
    )
    name = hashlib.sha256(state.encode()).hexdigest()[:12]
    ready = WORK / f"peers-{name}{'' if compiled else '-uncompiled'}"
    if ready.is_dir():
        return ready
    half = ready.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    for package in chosen:
        for file in distribution(package).files or ():
            source, target = Path(str(file.locate())), half / file
            if ".." not in file.parts and source.suffix != ".pyc":
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    if compiled:
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", half]
        subprocess.run(command, check=True)
    half.rename(ready)
    return ready


def find_dependencies(names: Iterable[str]) -> set[str]:
    """Return `names`, and the names of all installed distributions that they require, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:  # required only on other platforms or Python versions
            continue
        found.add(name)
        waiting += [
            re.split(r"[\s\[;<>=!~(]", need, maxsplit=1)[0] for need in needs if "extra ==" not in need
        ]
    return found


def print_costs(costs: Mapping[str, Cost], prices: Mapping[str, Cost]) -> None:
    """Print a table of the programs' costs. If `prices` has costs of single DynamoDB calls, print a second table."""

    def format_cost(name: str, cost: Cost) -> Iterator[str]:
        yield name
        yield f"{cost.cpu:.0f}"
        yield f"{cost.wall:.0f}"
        yield f"{cost.megabytes:.0f}"
        yield f"{cost.instructions:,.0f}" if cost.instructions else "-"
        yield f"{cost.warm:.2f}"
        yield f"{cost.warm_instructions:.2f}" if cost.warm_instructions is not None else "-"

    header = ["", "cold CPU ms", "cold wall ms", "peak MiB", "cold M instr.", "warm CPU ms", "warm M instr."]
    print(table(header, [list(format_cost(name, cost)) for name, cost in costs.items()]))
    if not prices:
        return
    print()
    rows = [[name, *list(format_cost(name, cost))[-2:]] for name, cost in prices.items()]
    print(table(["bare call of DynamoDB", *header[-2:]], rows))


if __name__ == "__main__":
    sys.exit(min(1, main()))
