# `make` alone lists the commands.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
PORT   ?=
CORS   ?=
ROLE   ?= USER
ARCHITECTURE ?= arm64
LAYER  := layers/scheduling
# tests/conftest.py assigns each test to a group, and all tests of a group run in one process. By default, xdist starts
# the group with the most tests first. With --no-loadscope-reorder, xdist starts the groups in the order of their names:
# the slow tests in dynamodb and e2e start before the fast tests in unit.
SIDE_BY_SIDE := -n logical --dist loadscope --no-loadscope-reorder
AUDIT  := .local/audit
AUDIT_READY := $(AUDIT)/ready

export SAM_CLI_TELEMETRY = 0

.DEFAULT_GOAL := help
.PHONY: help up down reset token logs invoke setup format lint test test-fast bench load fuzz openapi contract checkov audit lock build

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: setup ## Start the API on this machine (PORT=4580 uses 4580 and 4581; CORS=http://localhost:5173)
	@CORS="$(CORS)" $(RUN) -m local.stack up "$(PORT)"

down: setup ## Stop the API and keep its data
	@$(RUN) -m local.stack down

reset: setup ## Stop the API and delete its data
	@$(RUN) -m local.stack reset

token: setup ## Print a token of a demo user (ROLE=ADMIN, MANAGER or USER)
	@$(RUN) -m local.stack token "$(ROLE)"

logs: setup ## Follow the functions' logs until Ctrl-C
	@$(RUN) -m local.stack logs

invoke: setup ## Run one function in Docker with the data of `make up` (FUNCTION=create_session ROLE=USER ID=...)
	@$(RUN) -m local.invoke "$(FUNCTION)" "$(ROLE)" "$(ID)"

setup: ## Create .venv with the pinned packages (most other commands do this too)
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is not installed. Install Python 3.11 or later, or name another interpreter: make setup PYTHON=python3.13"; exit 1; }
	@"$(PYTHON)" tools/setup_venv.py

format: setup ## Format the code and apply ruff's fixes
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

lint: setup ## Check style, types and the template
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -m samcli validate --lint --region us-east-1

test: lint ## Run every test, or some (TESTS=tests/unit)
	@$(RUN) -m pytest $(SIDE_BY_SIDE) $(or $(TESTS),--cov --cov-report=term)

test-fast: setup ## Run the tests that need no stack and no database (about two minutes)
	@$(RUN) -m pytest -q $(SIDE_BY_SIDE) tests/unit tests/functional

bench: setup ## Measure cold starts, lists, writes and conflict checks (half an hour)
	@$(RUN) -m bench

load: setup ## Measure concurrent users on a separate stack, and a warm function's memory (two minutes)
	@$(RUN) -m bench.load

fuzz: setup ## Send random requests with schemathesis for ten minutes
	@$(RUN) -m tests.fuzz

openapi: setup ## Generate docs/openapi.yaml from the code, and the files of the page at /docs
	@PYTHONPATH=$(LAYER) $(RUN) -m tools.openapi
	@PYTHONPATH=$(LAYER) $(RUN) -m tools.guide

contract: setup ## List the changes that break clients of the last release
	@last=$$(git describe --tags --abbrev=0 --match 'v*' --exclude "$$(git tag --points-at HEAD --list 'v*' | head -1)" 2>/dev/null) \
		|| { echo "No release to compare with."; exit 0; }; \
	mkdir -p .local && git show "$$last:docs/openapi.yaml" > .local/last-release.yaml \
		&& $(RUN) -m tools.openapi_changes .local/last-release.yaml docs/openapi.yaml

checkov: $(AUDIT_READY) ## Check the template with checkov
	@$(AUDIT)/bin/python -m checkov.main

audit: checkov ## Run checkov, and check the dependencies for known vulnerabilities (needs PyPI)
	@$(AUDIT)/bin/python -m pip_audit --require-hashes --disable-pip -r $(LAYER)/requirements.txt -r functions/get_docs/requirements.txt

# Checkov, pip-audit and uv have a separate venv, because checkov needs old versions of packages that .venv contains.
$(AUDIT_READY): requirements/audit.txt
	@echo "Installing checkov, pip-audit and uv, once ..."
	@"$(PYTHON)" -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $(AUDIT_READY)

# --no-deps: the page at /docs uses only data files of Swagger UI's package. Only the package's code has dependencies.
lock: $(AUDIT_READY) ## Update the lock files from the .in files (needs PyPI)
	$(LOCK) 3.11 --upgrade --output-file requirements/dev.txt requirements/dev.in
	$(LOCK) 3.11 --upgrade --output-file requirements/audit.txt requirements/audit.in
	$(LOCK) 3.11 --upgrade --output-file requirements/clients.txt requirements/clients.in
	$(LOCK) 3.13 --upgrade --output-file requirements/lambda_image.txt requirements/lambda_image.in
	$(LOCK) 3.11 --constraint requirements/dev.txt --output-file $(LAYER)/requirements.txt $(LAYER)/requirements.in
	$(LOCK) 3.11 --no-deps --output-file functions/get_docs/requirements.txt functions/get_docs/requirements.in
	@echo "Run the tests with the new versions: make test"

LOCK := @$(AUDIT)/bin/python -m uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --python-version

build: setup ## Build for `sam deploy` (ARCHITECTURE=arm64 or x86_64)
	@rm -rf functions/*/__pycache__
	PYTHON="$(CURDIR)/$(RUN)" LAYER_ARCHITECTURE=$(ARCHITECTURE) $(RUN) -m samcli build --parameter-overrides Architecture=$(ARCHITECTURE)
