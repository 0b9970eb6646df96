# VolexSwarm. `make up` starts the swarm on this machine, `make test` checks everything; `make help` lists the rest.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help install up down status logs deploy test unit faults lint format bench clean lock

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)

# What `make up` hands on: any of these may be given, e.g. `make up SPEED=10 PORT_OFFSET=100`.
TARGET ?= embedded
UP_OPTIONS := --target $(TARGET) $(if $(SPEED),--speed $(SPEED)) $(if $(SYMBOLS),--symbols $(SYMBOLS)) \
	$(if $(SEED),--seed $(SEED)) $(if $(REPLAY),--replay $(REPLAY)) $(if $(SYMBOL),--symbol $(SYMBOL)) \
	$(if $(VALUATION),--valuation $(VALUATION)) $(if $(PORT_OFFSET),--port-offset $(PORT_OFFSET)) \
	$(foreach setting,$(MODEL),--model $(setting))

# Where money is counted, orders move and a team decides: `make faults` checks the properties of these on many examples.
PROVEN := $(addprefix tests/unit/,simexchange portfolio risk execution deliberation)

help:  ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.complete  ## Create .venv with every locked dependency

# uv comes first, at the version and hash that the one lock file names; it installs the rest from the same file.
$(VENV)/.complete: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.13 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is needed (Debian: apt install python3-venv)"; exit 1; }
	@awk '/^uv==/{p=1} p{print} p && !/\\$$/{exit}' requirements.txt > $(VENV)/uv.txt
	@echo "Installing locked dependencies into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

up: install  ## Install, start, deploy, trade: the whole swarm on this machine (TARGET=compose for containers)
	@$(BIN)/volexlocal up $(UP_OPTIONS)

down: install  ## Stop all that `make up` started; state is kept
	@$(BIN)/volexlocal down

status: install  ## Health, port, uptime and memory of every part
	@$(BIN)/volexlocal status

logs: install  ## Follow the logs of all parts (PART=exchange for one)
	@$(BIN)/volexlocal logs $(PART)

deploy: install  ## Deploy the functions again after a change of code (TARGET=compose for containers)
	@$(BIN)/volexlocal deploy --target $(TARGET)

test: lint  ## Check everything: lint, types, unit, integration and end-to-end tests
	@$(BIN)/python -m pytest tests

unit: install  ## Only the fast tests
	@$(BIN)/python -m pytest tests/unit

faults: install  ## Hurt the system at every named place 500 times over, each property on 1,000 examples, 100 deliberations (about an hour)
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m pytest $(PROVEN) -m hypothesis --hypothesis-profile=faults --timeout=1800 -q
	@$(BIN)/python -m pytest tests/integration/deliberation/test_crashes.py --hypothesis-profile=faults --timeout=1800 -q

lint: install  ## ruff, mypy, import-linter
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m infra.render --target aws --check

format: install  ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: install  ## Measure throughput, latency and import times on this machine
	@$(BIN)/python -m tests.benchmarks

clean: install  ## Stop everything and delete all local state, after asking
	@$(BIN)/volexlocal clean

lock: install  ## Resolve all dependencies again, with hashes and without index addresses
	@$(BIN)/python layers/lock.py
