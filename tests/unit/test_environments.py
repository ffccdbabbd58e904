"""Environments in samconfig.toml: options for deployments to dev, staging and prod."""

import tomllib
from typing import Any

import pytest

from tests.support import template
from tests.support.template import ROOT

CONFIGURATION = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
ENVIRONMENTS = ["dev", "staging", "prod"]


def deploy_options(environment: str) -> dict[str, Any]:
    """Return the options that `sam deploy --config-env` uses for the environment."""
    section = CONFIGURATION[environment]
    options: dict[str, Any] = section["global"]["parameters"] | section["deploy"]["parameters"]
    return options


def parse_pairs(options: list[str]) -> dict[str, str]:
    """Return the values of texts such as `name=value`, by name."""
    return dict(option.split("=", 1) for option in options)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_a_stack_and_tags_of_its_own(environment: str) -> None:
    options = deploy_options(environment)
    assert options["stack_name"] == options["s3_prefix"] == f"sessions-{environment}"
    tags = parse_pairs(options["tags"])
    assert set(tags) == {"service", "environment", "owner", "cost-center"}
    assert (tags["service"], tags["environment"]) == ("sessions", environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_only_values_that_the_template_allows(environment: str) -> None:
    parameters = template.template()["Parameters"]
    chosen = parse_pairs(deploy_options(environment)["parameter_overrides"])
    assert "LogRetentionDays" in chosen
    for name, value in chosen.items():
        assert value in map(str, parameters[name].get("AllowedValues", [value])), name


def test_prod_is_protected_from_deletion_is_deployed_gradually_and_has_alarms_and_a_dashboard() -> None:
    options = deploy_options("prod")
    chosen = parse_pairs(options["parameter_overrides"])
    watched = {"EnableAlarms": "true", "EnableDashboard": "true", "GradualDeployment": "true"}
    assert watched.items() <= chosen.items()
    assert chosen.get("DeletionProtection", "true") == "true"
    assert options["confirm_changeset"] is True


def test_samconfig_names_no_account_and_git_ignores_the_local_samconfig() -> None:
    text = (ROOT / "samconfig.toml").read_text("utf-8")
    assert "arn:" not in text
    for section in CONFIGURATION.values():
        if isinstance(section, dict) and "deploy" in section:
            assert not {"profile", "region", "s3_bucket", "role_arn"} & set(section["deploy"]["parameters"])
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "samconfig.local.toml" in ignored


def test_the_sam_cli_reads_every_environment() -> None:
    from samcli.lib.config.samconfig import SamConfig

    configuration = SamConfig(ROOT)
    for environment in ENVIRONMENTS:
        assert configuration.get_all(["deploy"], "parameters", environment)["stack_name"].endswith(
            environment
        )
