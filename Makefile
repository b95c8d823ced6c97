# Tuoqi: everything a newcomer or a maintainer runs. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := .venv-audit

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Tuoqi needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/python3")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "this Python cannot make a virtual environment; install it first (Debian/Ubuntu: apt install python3-venv)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	$(BIN)/python -m compileall -q flows models notifications policies rules
	@touch $(READY)

install: $(READY) ## install everything into .venv (the other targets do this by themselves)

demo: $(READY) ## show every job at work on a made-up district
	$(BIN)/tuoqi demo

up: $(READY) ## run the service on this machine until Ctrl-C
	$(BIN)/tuoqi up

test: $(READY) ## run the tests
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not proof"

proof: $(READY) ## run the long proofs at full count
	$(BIN)/pytest -q -n 2 -m proof --timeout 3600

check: $(READY) ## lint, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: ## look the pinned packages up among published weaknesses (asks the package index)
	test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.10,<3'
	$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

bench: $(READY) ## print our figures beside their floors, and write docs/bench.md
	$(BIN)/python -m bench --save docs/bench.md

shots: $(READY) ## take the manual's pictures anew (after make demo; needs chromium and a Chinese font)
	$(BIN)/python -m bench.shots

docs: $(READY) ## write the pages that come from declarations
	$(BIN)/python -m flows.pages

lock: $(READY) ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade -o requirements.lock

clean: ## remove what the targets made (the district's own var/ stays)
	rm -rf $(VENV) $(AUDIT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/demo

.PHONY: help install demo up test proof check audit bench shots docs lock clean
