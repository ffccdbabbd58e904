"""Build of the layer: trimmed runtime dependencies and the package `scheduling`, with bytecode.

    python build.py ARTIFACTS_DIR

Environment variables choose the platform of the wheels:

    LAYER_ARCHITECTURE  arm64 (default) or x86_64; must equal the template's parameter Architecture
    LAYER_PYTHON        3.13 (default); must equal the functions' Runtime
    LAYER_TARGET        lambda (default), or `here` for the local stack. With `here`, the layer has the
                        Python version and the architecture of this machine, and the build ignores the
                        two variables above

The build compiles bytecode, because /opt is read-only in Lambda. Without bytecode, every cold start
compiles every imported module again. The build deletes data and code that no function uses. Decision
record 0014 lists optimizations of the layer with their gains. Trimmed and compiled dependencies are
cached below `.aws-sam/`. A later build downloads packages only after a change of the platform, of
requirements.txt or of this file.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent
REQUIREMENTS = SOURCE / "requirements.txt"

# Amazon Linux 2023 has glibc 2.34, so wheels for glibc 2.34 or older work. The newest glibc comes first.
WHEEL_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux2014")
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

# The layer keeps only these operations of DynamoDB, because the functions only read and write items.
ITEM_OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
)

# Only a build of cryptography needs these packages. At run time, cryptography needs only cffi's module `_cffi_backend`.
BUILD_ONLY = ("cffi", "pycparser")

# Modules that other modules import, but whose code no function runs.
EMPTIED_MODULES = (
    "botocore/docs/__init__.py",  # writes botocore's reference documentation
    "urllib3/http2/__init__.py",  # needs the package h2, which the layer does not have
)

# Powertools imports its Logger, Metrics and Tracer at once. The functions use only the Logger.
LAZY_POWERTOOLS = '''"""Powertools for AWS Lambda. Each utility is imported on first use."""

from importlib import import_module

_MODULES = {"Logger": "logging", "Metrics": "metrics", "single_metric": "metrics", "Tracer": "tracing"}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
'''

# The three classes that botocore imports from `botocore.docs.docstring`.
EMPTY_DOCSTRINGS = '''"""Docstrings of a client's methods. They are empty because the layer has no documentation."""


class ClientMethodDocstring(str):
    def __new__(cls, *args, **options):
        return super().__new__(cls)


PaginatorDocstring = WaiterDocstring = ClientMethodDocstring
'''

_ROOT = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


class Target:
    """Platform of the layer: Python version, architecture, and the interpreter that compiles bytecode, if found."""

    def __init__(self) -> None:
        self.here = os.environ.get("LAYER_TARGET", "lambda") == "here"
        if self.here:
            self.python = f"{sys.version_info.major}.{sys.version_info.minor}"
            self.architecture = platform.machine()
            self.compiler: str | None = sys.executable
            return
        self.python = os.environ.get("LAYER_PYTHON", "3.13")
        self.architecture = os.environ.get("LAYER_ARCHITECTURE", "arm64")
        if self.architecture not in MACHINES:
            sys.exit(f"LAYER_ARCHITECTURE is {self.architecture!r}: it must be arm64 or x86_64.")
        self.compiler = find_interpreter(self.python)

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}{' (this machine)' if self.here else ''}"

    def pip_options(self) -> list[str]:
        """Return the options by which pip chooses wheels for the platform."""
        if self.here:
            return []
        machine = MACHINES[self.architecture]
        platforms = [option for name in WHEEL_PLATFORMS for option in ("--platform", f"{name}_{machine}")]
        return [*platforms, "--implementation", "cp", "--python-version", self.python]


def find_interpreter(version: str) -> str | None:
    """Return a Python interpreter of that version, or None. Bytecode works only in the version that compiled it."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    commands = [
        [f"python{version}"],
        *([str(found)] for found in sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)),
        ["py", f"-{version}"],
    ]
    if uv := shutil.which("uv"):
        found_by_uv = run_quietly([uv, "python", "find", "--no-python-downloads", version])
        commands += [[found_by_uv]] if found_by_uv else []
    for command in commands:
        output = run_quietly([*command, "-c", "import sys; print(sys.version_info[:2], sys.executable)"])
        wanted = str(tuple(int(part) for part in version.split(".")))
        if output and output.startswith(wanted):
            return output.removeprefix(wanted).strip()
    return None


def run_quietly(command: list[str]) -> str | None:
    """Return the output of a command, or None if the command is missing, fails or takes over 30 seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def install(target: Target, into: Path) -> None:
    """Install the pinned wheels into a folder. pip checks their hashes and compiles nothing from source."""
    # --no-deps: requirements.txt lists every dependency, so pip does not need to search for others.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += [*target.pip_options(), "--target", str(into), "--requirement", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(
            f"pip could not install the layer's requirements for {target}:\n{done.stderr.strip()}\n"
            "Is the package index reachable from this machine? Does each package have a wheel for this platform?"
        )


def trim(packages: Path, licences: Path) -> None:
    """Delete files that no function uses: tests, stubs, scripts, and package metadata. Keep the licences."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for info in packages.glob("*.dist-info"):
        for text in info.rglob("*"):
            if text.is_file() and text.name.upper().startswith(("LICEN", "NOTICE")):
                kept = licences / info.name.removesuffix(".dist-info") / text.name
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(text, kept)
        shutil.rmtree(info)
    for folder in [path for path in packages.rglob("*") if path.name in ("tests", "__pycache__")]:
        shutil.rmtree(folder)
    for stub in packages.rglob("*.pyi"):
        stub.unlink()
    for name in BUILD_ONLY:
        shutil.rmtree(packages / name)
    trim_botocore(packages / "botocore" / "data")
    trim_code(packages)
    split_roots(packages / "botocore" / "cacert.pem", packages / "botocore" / "roots")


def trim_botocore(data: Path) -> None:
    """Reduce botocore's data to DynamoDB, as plain JSON without documentation.

    The data still contain all AWS partitions and regions. Endpoint overrides such as AWS_ENDPOINT_URL still work.
    """
    for folder in (path for path in data.iterdir() if path.is_dir() and path.name != "dynamodb"):
        shutil.rmtree(folder)
    for version in sorted((data / "dynamodb").iterdir())[:-1]:
        shutil.rmtree(version)
    newest = next((data / "dynamodb").iterdir())
    for name in ("examples-1.json", "waiters-2.json"):
        (newest / name).unlink(missing_ok=True)

    for zipped in newest.glob("*.json.gz"):
        write_json(zipped.with_suffix(""), json.loads(gzip.decompress(zipped.read_bytes())))
        zipped.unlink()
    model = json.loads((newest / "service-2.json").read_bytes())
    write_json(newest / "service-2.json", only_item_operations(model))
    pages = json.loads((newest / "paginators-1.json").read_bytes())
    pages["pagination"] = {
        name: page for name, page in pages["pagination"].items() if name in ITEM_OPERATIONS
    }
    write_json(newest / "paginators-1.json", pages)

    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name == "dynamodb"
        }
    write_json(data / "endpoints.json", endpoints)


def only_item_operations(model: dict[str, Any]) -> dict[str, Any]:
    """Return the service model with only ITEM_OPERATIONS and their shapes, and without documentation."""
    operations = {name: model["operations"][name] for name in ITEM_OPERATIONS}
    shapes: dict[str, Any] = {}
    waiting: list[Any] = list(operations.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            name = value.get("shape")
            if isinstance(name, str) and name not in shapes:
                shapes[name] = model["shapes"][name]
                waiting.append(shapes[name])
            waiting += value.values()
    trimmed: dict[str, Any] = without_documentation({**model, "operations": operations, "shapes": shapes})
    return trimmed


def trim_code(packages: Path) -> None:
    """Empty or shorten modules that the functions import but do not need. These modules can still be imported."""
    for module in EMPTIED_MODULES:
        replace(packages / module, "")
    replace(packages / "aws_lambda_powertools" / "__init__.py", LAZY_POWERTOOLS)
    replace(packages / "botocore" / "docs" / "docstring.py", EMPTY_DOCSTRINGS)
    core_schema = packages / "pydantic_core" / "core_schema.py"
    replace(core_schema, without_typed_dict_keys(core_schema.read_text("utf-8")))


def replace(file: Path, text: str) -> None:
    """Replace the text of a file of a dependency. Exit if a new release no longer has the file."""
    if not file.is_file():
        sys.exit(f"{file} does not exist: does the layer still need to trim the file?")
    file.write_text(text, "utf-8")


def without_typed_dict_keys(source: str) -> str:
    """Return the module without the keys of its TypedDicts, which only type checkers read.

    When Python imports the module, Python compiles the type of each key: more than 500 types in `pydantic_core`.
    """
    module = ast.parse(source)
    for statement in module.body:
        if isinstance(statement, ast.ClassDef) and "TypedDict" in map(ast.unparse, statement.bases):
            statement.body = [ast.Pass()]
    return ast.unparse(module)


def split_roots(bundle: Path, directory: Path) -> None:
    """Write each root certificate of a bundle to its own file. OpenSSL finds the file by the hash of the subject.

    Without the command `openssl`, the build creates no directory, and the functions read the whole bundle.
    """
    if not shutil.which("openssl"):
        print(
            "Layer: WARNING: the command `openssl` is missing, so every connection parses all root certificates."
        )
        return
    directory.mkdir()
    for root in _ROOT.findall(bundle.read_text("utf-8")):
        command = ["openssl", "x509", "-noout", "-subject_hash"]
        done = subprocess.run(command, input=root, capture_output=True, text=True, check=True)
        name = done.stdout.strip()
        number = len(list(directory.glob(f"{name}.*")))
        (directory / f"{name}.{number}").write_text(root, "utf-8")


def without_documentation(value: Any) -> Any:
    """Return a part of a service model without its documentation texts."""
    if isinstance(value, list):
        return [without_documentation(each) for each in value]
    if isinstance(value, dict):
        # A structure may have a member with the name 'documentation', which is not a text.
        return {
            key: without_documentation(each)
            for key, each in value.items()
            if not (key == "documentation" and isinstance(each, str))
        }
    return value


def write_json(path: Path, value: Any) -> None:
    """Write a value as compact JSON."""
    path.write_text(json.dumps(value, separators=(",", ":")))


def compile_ahead(compiler: str | None, folder: Path, root: Path) -> None:
    """Compile bytecode that Python loads without a check of the source. Tracebacks show the paths on Lambda."""
    if compiler is None:
        return
    command = [compiler, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(root), "-p", "/opt/python", str(folder)], check=True)


def prepare_dependencies(target: Target, artifacts: Path) -> Path:
    """Return a folder with the dependencies (`python/`) and their licences (`licenses/`).

    The folder is cached. A change of the platform, of requirements.txt or of this file creates a new folder.
    """
    key = hashlib.sha256(Path(__file__).read_bytes() + REQUIREMENTS.read_bytes())
    key.update(f"{target} {target.compiler}".encode())
    cache = next((parent for parent in artifacts.parents if parent.name == ".aws-sam"), artifacts.parent)
    ready = cache / "dependencies" / f"layer-{key.hexdigest()[:16]}"
    if ready.exists():
        return ready
    print(f"Layer: installing the dependencies for {target}, once.", flush=True)
    unfinished = ready.with_name(f"{ready.name}.{os.getpid()}")
    try:
        install(target, unfinished / "python")
        trim(unfinished / "python", unfinished / "licenses")
        compile_ahead(target.compiler, unfinished / "python", unfinished / "python")
        try:
            unfinished.rename(ready)
        except OSError:
            if not ready.exists():  # a parallel build may have finished first
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return ready


def report(target: Target, artifacts: Path) -> None:
    """Print the sizes of the layer's packages of at least 50 KB, largest first. Warn if no bytecode was compiled."""
    sizes = {
        entry.name: sum(path.stat().st_size for path in [entry, *entry.rglob("*")] if path.is_file())
        for entry in (artifacts / "python").iterdir()
    }
    total = sum(path.stat().st_size for path in artifacts.rglob("*") if path.is_file())
    largest = sorted(sizes, key=lambda name: -sizes[name])
    parts = ", ".join(f"{name} {sizes[name] / 1e6:.1f}" for name in largest if sizes[name] >= 50_000)
    print(f"Layer: {total / 1e6:.1f} MB unzipped for {target}: {parts}")
    if target.compiler is None:
        print(
            f"Layer: WARNING: Python {target.python} was not found, so no bytecode was compiled. Every cold start "
            "needs about three times as many instructions.\n"
            f"       Install Python {target.python} (`uv python install {target.python}`, `pyenv install "
            f"{target.python}`, or your system's package), so that the command `python{target.python}` exists. "
            "Then build again.",
        )


def main() -> None:
    """Build the layer into the folder that the command line names."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the builder's Python may be older
        sys.exit(f"{sys.executable} is too old. Run `PYTHON=python3.13 sam build` to build with Python 3.13.")
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("usage: python build.py ARTIFACTS_DIR (`sam build` runs this command)")
    artifacts = Path(sys.argv[1]).resolve()
    target = Target()
    shutil.copytree(prepare_dependencies(target, artifacts), artifacts, dirs_exist_ok=True)
    package = artifacts / "python" / "scheduling"
    shutil.copytree(SOURCE / "scheduling", package, ignore=shutil.ignore_patterns("__pycache__"))
    compile_ahead(target.compiler, package, artifacts / "python")
    report(target, artifacts)


if __name__ == "__main__":
    main()
