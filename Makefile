# Two commands: `make run` (fresh machine → answering web chat) and `make test` (fresh machine → whole suite).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test setup setup-test lint lock clean mutants soak

run: setup
	@exec $(BIN)/turnout up

setup: $(VENV)/.installed

$(VENV)/.installed: deploy/requirements.txt deploy/requirements-embed.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Turnout needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Turnout into $(VENV) (once; about a minute)"
	$(PIP) install --quiet --require-hashes -r deploy/requirements.txt
	$(PIP) install --quiet --require-hashes --no-deps -r deploy/requirements-embed.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup-test: $(VENV)/.installed-test

$(VENV)/.installed-test: $(VENV)/.installed deploy/requirements-test.txt
	$(PIP) install --quiet --require-hashes -r deploy/requirements-test.txt
	@tests/install-browser
	@touch $@

lint: setup-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Both halves of the suite side by side: most of one is waiting, most of the other is work.
test: setup-test lint
	@$(BIN)/python -m tests.halves

# Takes each protection out in turn and sees the tests go red; ONLY="NAME…" for some of them, or for all that begin like that.
mutants: setup-test
	@$(BIN)/python -m tests.mutants $(ONLY)

# All services under random faults, with the oracle at the end: make soak MINUTES=10 [SEED=7]
soak: setup-test
	@$(BIN)/python -m tests.reliability.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

# Pins with hashes, naming no registry; run after a change of pyproject.toml.
lock:
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml deploy/build.in -o deploy/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --extra test pyproject.toml -c deploy/requirements.txt -o deploy/requirements-test.txt
	$(BIN)/uv pip compile --quiet --no-deps --generate-hashes --no-emit-index-url --no-header --no-annotate deploy/embed.in -o deploy/requirements-embed.txt

clean:
	rm -rf $(VENV) .turnout
