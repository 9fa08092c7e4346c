# Two commands are enough: `make run` shows sinkgraph at work, `make test` runs its tests.
# Everything is installed into .venv, pinned by hash; nothing needs root.

PYTHON ?= python3
UV ?= uv
PYTEST_ARGS ?= -n 2
MINUTES ?= 10
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
GRAPHS := $(sort $(filter-out %.schema.json,$(wildcard graphs/*.yaml graphs/*.toml graphs/*.json)))

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test check static lint types imports graphs findings schema editor bench bench-peers soak pictures drawings requirements clean

help:  ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

run: $(VENV)/.package  ## install what running needs, then run the demonstration
	$(BIN)/sinkgraph demo

test: $(VENV)/.dev  ## install what testing needs, then run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: static test  ## everything a change must pass

static: lint types imports graphs  ## style, types, import rules, and every graph in graphs/

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

graphs: $(VENV)/.dev
	$(BIN)/sinkgraph check $(GRAPHS)
	$(BIN)/sinkgraph fmt --check $(GRAPHS) graphs/site

findings: $(VENV)/.dev  ## write docs/findings: a page for every code
	$(BIN)/python -m sinkgraph.cli.finding_page docs/findings

schema: $(VENV)/.dev  ## write graphs/sinkgraph.schema.json, which the editors of documents read
	$(BIN)/sinkgraph schema -o graphs/sinkgraph.schema.json

editor: $(VENV)/.editor  ## install yaml-language-server for the tests that use it (needs npm)

bench: $(VENV)/.dev  ## measure sinkgraph: one table
	$(BIN)/python -m benchmarks

bench-peers: $(VENV)/.dev  ## measure sinkgraph beside docker/go-events (needs Go): ratios
	$(BIN)/python -m benchmarks --peers

soak: $(VENV)/.dev  ## the long tests, MINUTES=10 for each part (PARTS="order crash", SEED=7)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(PARTS)

pictures: $(VENV)/.dev  ## draw the pictures of the docs anew
	$(BIN)/python docs/pictures.py

drawings: $(VENV)/.dev  ## write the golden drawings of the tests anew
	$(BIN)/python -m tests.render.test_golden

requirements:  ## pin the newest releases the ranges in pyproject.toml allow (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	  --upgrade --generate-hashes --custom-compile-command "make requirements" \
	  --extra fast --extra edit --extra web \
	  pyproject.toml requirements/runtime.in --output-file requirements/runtime.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	  --upgrade --generate-hashes --custom-compile-command "make requirements" \
	  --extra fast --extra edit --extra web --extra render --extra otel \
	  pyproject.toml requirements/runtime.in requirements/dev.in --output-file requirements/dev.txt

clean:  ## remove what was built and cached; .venv stays
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f .coverage .coverage.*
	find src tui tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- stamps: a step is done again only when what it was made from has changed --------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("error: sinkgraph needs Python 3.11 or newer, this is %d.%d; try: make PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt | $(VENV)/.made
	$(PIP) install --require-hashes -r requirements/runtime.txt
	@touch $@

$(VENV)/.package: pyproject.toml | $(VENV)/.runtime
	$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.package
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

EDITOR_LOCK := requirements/editor/package.json requirements/editor/package-lock.json

$(VENV)/.editor: $(EDITOR_LOCK) | $(VENV)/.made
	mkdir -p $(VENV)/editor && cp $(EDITOR_LOCK) $(VENV)/editor
	cd $(VENV)/editor && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@
