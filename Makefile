# `make help` lists the targets. Everything runs in .venv, which `make setup` makes.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# uv installs in seconds what pip takes a minute for; where it cannot be had or cannot reach the index, pip does it.
INSTALL = $(RUN) -m uv pip install --quiet --compile-bytecode --python $(RUN) -r $(1) || $(RUN) -m pip install --quiet -r $(1)

.DEFAULT_GOAL := help
.PHONY: help setup tools demo run test test-slow bench-sync rules check fix clean

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.runtime ## make .venv and install what the server runs on (quick when nothing changed)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ScaiFlow needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check uv==0.13.9 || echo "no uv here; pip will do, more slowly"

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo "installing what the server runs on ..."
	@$(call INSTALL,requirements.txt)
	@touch $@

tools: .venv/.tools ## the same for tests and checks

.venv/.tools: tests/requirements.txt .venv/.runtime
	@echo "installing the tools for tests and checks ..."
	@$(call INSTALL,tests/requirements.txt)
	@touch $@

demo: setup ## the main job, start to end, against a server of its own: draw, save, deploy, test
	@SCAIFLOW_DEBUG=true $(RUN) manage.py demo

run: setup ## the server with its sandbox on loopback, until Ctrl-C
	@SCAIFLOW_DEBUG=true $(RUN) manage.py up

test: tools ## the whole test suite but for the slow tests
	$(RUN) -m pytest -n 2 -m "not slow"

test-slow: tools ## the slow tests
	$(RUN) -m pytest -n 2 -m slow

bench-sync: tools ## the sync socket beside two other Yjs servers, under the same load (needs Node; some minutes)
	$(RUN) benchmarks/sync.py

rules: tools ## format, lint, import contracts, types, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	SCAIFLOW_DEBUG=true $(RUN) manage.py makemigrations --check --dry-run

check: rules test test-slow ## all that CI runs

fix: tools ## format the code and mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets above made (var/ holds your data and stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
