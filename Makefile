# make demo   Example Company on http://localhost:8000        make test   everything the suite needs, then the suite
# make lint   what a change must pass       make fix   what a machine can mend      make docs    the generated pages
# make bench  budgets, side by side         make soak  the long form of the tests   make pins    requirements/*.txt anew

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	  "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
UV := $(BIN)/uv --quiet --no-progress --system-certs
REAL_DATA := $(wildcard ../shared/data)
# Half as many again as there are processors: tests wait for servers, browsers and other processes half of their time.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n + n / 2)))
PORT ?= 8000

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Empty is unset: what is not written is compiled anew by each command that a test runs, and by each worker.
export PYTHONDONTWRITEBYTECODE :=
export UV_PYTHON_DOWNLOADS := never
ifneq ($(REAL_DATA),)
export TROTH_REAL_DATA ?= $(abspath $(REAL_DATA))
endif

.PHONY: help demo test lint fix docs bench soak pins clean

help:
	@sed -n 's/^# //p' Makefile | head -3

# A stamp is newer than what it was made from: the second `make test` installs nothing.
$(VENV)/.made: requirements/build.txt
	@test -n "$(PYTHON)" || { echo "troth needs Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/build.txt
	@touch $@

# What Example Company uses beyond the core: letters that are signed, second factors, the record as a workbook.
$(VENV)/.demo: $(VENV)/.made requirements/demo.txt pyproject.toml
	@$(UV) pip install --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/demo.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.txt pyproject.toml
	@$(UV) pip sync --python $(BIN)/python --compile-bytecode --require-hashes requirements/dev.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.demo $@

demo: $(VENV)/.demo
	@$(BIN)/troth demo --port $(PORT) $(DEMO)

test: $(VENV)/.dev
	@$(BIN)/python scripts/provide.py
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# mypy takes as long as all the rest twice over: it runs beside it.
lint: $(VENV)/.dev
	@$(BIN)/mypy --no-error-summary & mypy=$$!; \
	{ $(BIN)/ruff check --quiet . && \
	  { $(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; false; }; } && \
	  { $(BIN)/lint-imports --no-logo > $(VENV)/.imports || { cat $(VENV)/.imports; false; }; } && \
	  $(BIN)/python docs/generate.py --check && \
	  $(BIN)/python scripts/changelog.py --check; }; rest=$$?; \
	wait $$mypy && exit $$rest
	@echo "lint: nothing to mend"

fix: $(VENV)/.dev
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/python docs/generate.py

docs: $(VENV)/.dev
	@$(BIN)/python docs/generate.py

bench: $(VENV)/.dev
	@$(BIN)/python -m bench

soak: $(VENV)/.dev
	@$(BIN)/python scripts/provide.py
	@SOAK=true $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# No header and no index address: the files say what is installed, not where one machine fetched it.
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
pins: $(VENV)/.made
	@$(COMPILE) --group build -o requirements/build.txt $(UPGRADE)
	@$(COMPILE) pyproject.toml -o requirements/core.txt $(UPGRADE)
	@$(COMPILE) pyproject.toml --extra mail --extra staff --extra xlsx -c requirements/core.txt -o requirements/demo.txt $(UPGRADE)
	@$(COMPILE) pyproject.toml --group build --group dev -c requirements/core.txt -c requirements/demo.txt -c requirements/build.txt -o requirements/dev.txt $(UPGRADE)

clean:
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info
