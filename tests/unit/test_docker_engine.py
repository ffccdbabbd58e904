"""Choice of the Docker engine for `sam local`. Tests use a running engine, and remove only their own containers."""

import subprocess
from collections.abc import Sequence
from typing import NoReturn

import pytest

from tests.support import docker_engine
from tests.support.docker_engine import DockerEngine, EngineMissing

ADDRESS = "unix:///home/anna/docker.sock"
OF_THIS_MACHINE, OF_ANOTHER = "127.0.0.1", "203.0.113.1"


class Client:
    """Fake Docker client that records commands but runs none. The gateway of each network has the address `gateway`."""

    def __init__(self, gateway: str, ours: str = "") -> None:
        self.gateway, self.ours = gateway, ours
        self.changes: list[str] = []

    def run(self, command: Sequence[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        """Return a fake output of a Docker command. Tests replace `subprocess.run` with this method."""
        return subprocess.CompletedProcess(command, 0, self._answer(command[1:]).encode())

    def _answer(self, words: Sequence[str]) -> str:
        match [word for word in words if word not in ("--host", ADDRESS)]:
            case ["version", *_]:
                return "28.2.2"
            case ["context", "inspect", *_]:
                return f"{ADDRESS}\n"
            case ["network", "inspect", *_]:
                return f"{self.gateway} "
            case ["ps", "--all", "--quiet", "--filter", which] if which.startswith("network=sessions-"):
                return self.ours
            case others:
                self.changes.append(" ".join(others))
                return ""


@pytest.mark.parametrize(
    ("gateway", "host", "listen"),
    [(OF_THIS_MACHINE, OF_THIS_MACHINE, OF_THIS_MACHINE), (OF_ANOTHER, "host.docker.internal", "127.0.0.1")],
)
def test_tests_use_the_running_engine(
    monkeypatch: pytest.MonkeyPatch, gateway: str, host: str, listen: str
) -> None:
    monkeypatch.setattr(subprocess, "run", Client(gateway).run)
    with docker_engine.engine() as engine:
        assert (engine.address, engine.host, engine.listen) == (ADDRESS, host, listen)


def test_only_containers_in_the_network_of_the_tests_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(OF_ANOTHER, ours="c1\nc2\n")
    monkeypatch.setattr(subprocess, "run", client.run)
    with pytest.raises(KeyboardInterrupt), docker_engine.engine() as engine:
        raise KeyboardInterrupt
    assert client.changes == [
        f"network create {engine.network}",
        "rm --force c1 c2",
        f"network rm {engine.network}",
    ]


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(), subprocess.CalledProcessError(1, [], stderr=b""), subprocess.TimeoutExpired([], 1)],
)
def test_if_no_engine_responds_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with (
        pytest.raises(EngineMissing, match=r"^No Docker engine responds: install Docker"),
        docker_engine.engine(),
    ):
        pass


def test_if_containers_cannot_connect_to_this_machine_the_error_lists_possible_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise subprocess.CalledProcessError(1, [], stderr=b"timed out")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(EngineMissing, match=r"do not reach .* as 192\.0\.2\.9.*firewall.*\ntimed out"):
        DockerEngine(ADDRESS, "192.0.2.9").check_connection("image", "python", 1)
