# `make help` lists the targets. Everything runs in .venv, which `make setup` makes.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# uv installs in seconds what pip takes a minute for; where it cannot be had or cannot reach the index, pip does it.
INSTALL = $(RUN) -m uv pip install --quiet --compile-bytecode --python $(RUN) -r $(1) || $(RUN) -m pip install --quiet -r $(1)

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE '^[a-z-]+:' $(firstword $(MAKEFILE_LIST)) | tr -d :)

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.runtime .venv/bin/scaiflow ## make .venv and install what the server runs on (quick when nothing changed)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ScaiFlow needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check uv==0.13.9 || echo "no uv here; pip will do, more slowly"

.venv/.runtime: requirements.txt | .venv/bin/python
	@echo "installing what the server runs on ..."
	@$(call INSTALL,requirements.txt)
	@touch $@

# The console script alone; what it needs is installed above. Without an index to build from, python -m scaiflow.cli is the same.
.venv/bin/scaiflow: | .venv/.runtime
	@$(RUN) -m uv pip install --quiet --python $(RUN) --no-deps --editable . || $(RUN) -m pip install --quiet --no-deps --editable . \
		|| echo "no console script here: use .venv/bin/python -m scaiflow.cli"

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
	$(RUN) -m pytest -p tests.backends -n 3 -m "not slow"

test-slow: tools ## the slow tests
	$(RUN) -m pytest -p tests.backends -n 2 -m slow

bench-serving: tools ## what a request costs on each server, and what a process of each role weighs (two minutes and a half)
	$(RUN) benchmarks/serving.py

bench-sync: tools ## the sync socket beside two other Yjs servers, under the same load (needs Node; some minutes)
	$(RUN) benchmarks/sync.py

test-postgres: tools ## the same suite on PostgreSQL and Redis, both from wheels
	$(RUN) -m tests.matrix postgres

test-mariadb: tools ## the same on MariaDB, where there is one (apt-get install mariadb-server-core)
	$(RUN) -m tests.matrix mariadb

test-all: tools ## the suite on every database, with a line for each at the end
	$(RUN) -m tests.matrix sqlite postgres mariadb

rules: tools ## format, lint, import contracts, types, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	SCAIFLOW_DEBUG=true $(RUN) manage.py makemigrations --check --dry-run
	SCAIFLOW_DEBUG=true $(RUN) manage.py spectacular --format openapi-json --validate --fail-on-warn | diff docs/openapi.json - || (echo 'docs/openapi.json is not what the views say: make openapi' && false)

openapi: setup ## write docs/openapi.json anew from the views
	SCAIFLOW_DEBUG=true $(RUN) manage.py spectacular --format openapi-json --validate --fail-on-warn > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

lock: tools ## pin every package of the image, with digests
	$(RUN) -m uv pip compile --quiet requirements.txt --generate-hashes --no-header --no-annotate --python-version 3.11 | \
	  sed '1i # Every package of the image, pinned with its digests: `make lock` writes it anew from requirements.txt.' > docker/requirements.lock

audit: tools ## known vulnerabilities of what is installed, and a bill of materials in var/
	$(RUN) .ci/audit
	@mkdir -p var
	$(BIN)/cyclonedx-py requirements docker/requirements.lock --output-reproducible --of JSON -o var/sbom.json
	@echo "bill of materials: var/sbom.json"

check: rules test-all test-slow audit ## all that CI runs, but for the image (.ci/image)

bench-rights: tools ## how long a list of flows takes through groups, and a bad token to be refused
	$(RUN) benchmarks/rights.py
	$(RUN) benchmarks/tokens.py

node-kinds: setup ## docs/node-kinds.md anew, from the table of kinds
	$(RUN) -m flows.compiler.kinds.page > docs/node-kinds.md

bench-compiler: setup ## milliseconds of validate and compile for 100 to 5,000 nodes
	$(RUN) benchmarks/compiler.py

bench-listing: tools ## how long a page of flows takes in a tenant that has 100,000
	$(RUN) benchmarks/listing.py

bench-pages: tools ## how long the console's pages take with very much in them
	$(RUN) benchmarks/pages.py

shots: tools ## a picture of every page of the console, at both widths and in both schemes, into var/shots
	$(RUN) -m tests.e2e.shots

fix: tools ## format the code and mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets above made (var/ holds your data and stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
