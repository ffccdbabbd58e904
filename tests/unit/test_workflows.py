"""GitHub workflows: their steps, order and permissions."""

import re
from typing import Any

import pytest
import yaml

from tests.support.template import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FOLDER.glob("*.yml")}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
TRIGGERS = True
"""The key `on` of a workflow, which YAML 1.1 reads as true."""


def commands(job: dict[str, Any]) -> str:
    """Return all commands of a job."""
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_an_action_is_pinned_to_a_commit(workflow: str, job: str) -> None:
    for step in WORKFLOWS[workflow]["jobs"][job].get("steps", []):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), step["uses"]


def test_the_ci_workflow_runs_the_tests_the_audit_the_contract_check_and_a_build_of_the_layer() -> None:
    ci = WORKFLOWS["ci"]
    assert {"pull_request", "push"} <= set(ci[TRIGGERS])
    assert ".ci/run" in commands(ci["jobs"]["test"])
    assert "make audit" in commands(ci["jobs"]["audit"])
    assert "make contract" in commands(ci["jobs"]["contract"])
    layer = ci["jobs"]["layer"]
    assert "make build ARCHITECTURE=arm64" in commands(layer)
    assert [step["with"]["python-version"] for step in layer["steps"] if "setup-python" in str(step)] == [
        "3.13"
    ]


def test_a_tag_is_deployed_to_dev_and_then_to_prod_each_with_a_smoke_test() -> None:
    release = WORKFLOWS["release"]
    jobs = release["jobs"]
    assert set(release[TRIGGERS]) == {"push"}
    assert set(release[TRIGGERS]["push"]) == {"tags"}
    assert (jobs["build"]["needs"], jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("checks", "build", "dev")
    for stage in ("dev", "prod"):
        assert jobs[stage]["environment"] == jobs[stage]["env"]["STAGE"] == stage
        deploy, smoke_test = commands(jobs[stage]).splitlines()[-2:]
        assert '--config-env "$STAGE"' in deploy
        assert "tools.smoke_test" in smoke_test


def test_the_smoke_test_gets_the_secret_token_for_a_stack_with_an_external_issuer() -> None:
    for stage in ("dev", "prod"):
        step = WORKFLOWS["release"]["jobs"][stage]["steps"][-1]
        assert "tools.smoke_test" in step["run"]
        assert step["env"] == {"TOKEN": "${{ secrets.TOKEN }}"}


def test_workflows_store_no_aws_keys() -> None:
    assert WORKFLOWS["ci"]["permissions"] == {"contents": "read"}
    assert WORKFLOWS["release"]["permissions"] == {"contents": "read", "id-token": "write"}
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.yml"))
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"TOKEN"}


def test_dependabot_updates_the_python_packages_of_every_folder_with_an_in_file() -> None:
    configuration = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    (python,) = [update for update in configuration["updates"] if update["package-ecosystem"] == "pip"]
    pinned = [*ROOT.glob("*/*.in"), *ROOT.glob("*/*/*.in")]
    folders = {
        f"/{path.parent.relative_to(ROOT)}" for path in pinned if "." not in path.parts[len(ROOT.parts)]
    }
    assert set(python["directories"]) == folders
