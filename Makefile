# Every target does its own set-up; nothing has to be installed by hand on Debian and Ubuntu.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
TOOL := $(BIN)/mysql-s3-redshift
STRESS_SECONDS ?= 600
# One more than there are cores: a good part of a test is waiting for servers.
TEST_WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

.PHONY: help demo test retest ui down lint stress bench screenshots clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t14

demo: .make/sandbox ## Start the sandbox, sync every table, compare all counts, leave the UI running
	$(TOOL) sandbox up
	$(TOOL) sync
	$(TOOL) sandbox compare
	$(TOOL) sandbox ui

# Tests start hundreds of processes: none of them compiles the project again.
test: export PYTHONDONTWRITEBYTECODE :=
test: .make/test ## Run the whole suite on real local servers
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

retest: .make/test ## Run the tests that failed last once more, one after the other
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(PYTEST_ARGS)

ui: .make/sandbox ## Start the sandbox and the web UI with its sensors, in the foreground
	$(TOOL) sandbox up
	$(TOOL) sandbox ui --foreground

down: ## Stop everything that the sandbox runs
	@if [ -x $(TOOL) ]; then $(TOOL) sandbox down; fi

lint: .make/lint ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

stress: .make/test ## Writers against a loop of syncs for STRESS_SECONDS (default 600)
	$(BIN)/python -m mysql_s3_redshift_tests.faults.stress --seconds $(STRESS_SECONDS)

bench: .make/bench ## Measure speed and memory against the limits and the peers
	$(BIN)/python -m benchmarks

screenshots: .make/test ## Take the pictures of docs/images: the demo in headless Chromium
	$(BIN)/python -m mysql_s3_redshift_tests.browser.screenshots

clean: down ## Remove everything that the targets made
	rm -rf $(VENV) .make .sandbox .dagster

# -- set-up: one stamp a step, so that a second run does nothing ---------------------------------

.make/venv: scripts/install-system.sh
	@mkdir -p .make
	scripts/install-system.sh python
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	@touch $@

.make/sandbox: .make/venv pyproject.toml
	scripts/install-system.sh mariadb
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[sandbox]'
	@touch $@

.make/test: .make/sandbox pyproject.toml
	scripts/install-system.sh ssh
	scripts/install-system.sh chromium
	scripts/install-system.sh redis
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[sandbox,celery,kubernetes,test]'
	@touch $@

.make/bench: .make/test
	scripts/install-system.sh compiler
	@touch $@

.make/lint: .make/venv pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[sandbox,celery,kubernetes,test,lint]'
	@touch $@
