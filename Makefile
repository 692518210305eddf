# notifier: `make demo` shows it, `make test` proves it. Both need Python 3.11 or newer and nothing else.

PYTHON =#               the interpreter to build .venv with; by default the newest of 3.11 to 3.13 found
ARGS =#                 passed on: make demo ARGS="--accounts 500", make test ARGS="tests/domain"
WORKERS = 4
BIN = .venv/bin
READY = .venv/.ready
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help venv demo test faults soak check format-check lint types floors format bench check-plans lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s%s\n", $$1, $$2 }'

venv: $(READY) ## build .venv from constraints.txt; every file is checked against its hash

# What is needed to build the few packages that come as source is installed first, under the same hashes:
# pip's own build isolation would fetch it unchecked.
$(READY): constraints.txt pyproject.toml
	@set -e; \
	fit='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'; \
	if ! $(BIN)/python -c "$$fit" >/dev/null 2>&1 || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(PYTHON) python3.13 python3.12 python3.11 python3 none; do \
	    if [ $$python = none ]; then \
	      echo 'notifier needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt install python3-venv).' >&2; \
	      echo 'If it is installed elsewhere: make venv PYTHON=/path/to/python3' >&2; \
	      exit 1; \
	    fi; \
	    if $$python -c "$$fit" >/dev/null 2>&1; then break; fi; \
	  done; \
	  echo "building .venv with $$($$python --version) (about a minute)"; \
	  $$python -m venv --clear .venv; \
	fi
	@awk '/^(pip|setuptools)==/ { on = 1 } on { print } !/\\$$/ { on = 0 }' constraints.txt > .venv/build.txt
	@$(PIP) --require-hashes --no-deps -r .venv/build.txt
	@$(PIP) --require-hashes --no-build-isolation -r constraints.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## a make-believe district is called, texted and mailed; nothing leaves this machine
	@$(BIN)/notifier demo $(ARGS)

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

faults: $(READY) ## break everything that can break, for minutes: kills, Postgres, carrier, mail, source, clocks
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q --long tests/faults $(ARGS)

soak: $(READY) ## half an hour at a fixed rate with random faults: does anything grow that should not?
	$(BIN)/python -m tests.faults.soak $(ARGS)

check: format-check lint types floors test ## all that must hold before a commit lands

format-check: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/python -m mypy

floors: $(READY)
	$(BIN)/lint-imports

format: $(READY) ## put the code in its form
	$(BIN)/ruff check --fix --fix-only .
	$(BIN)/ruff format .

bench: $(READY) ## measure; see bench/
	$(BIN)/python -m bench $(ARGS)

check-plans: $(READY) ## show that the hot queries keep their plans on a large queue
	$(BIN)/python -m bench.plans $(ARGS)

lock: $(READY) ## rewrite constraints.txt after a change of dependencies; ARGS=--upgrade for newer versions
	$(BIN)/python -m piptools compile --quiet --no-config --all-extras --all-build-deps --allow-unsafe \
	  --generate-hashes --strip-extras --annotation-style=line --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file constraints.txt $(ARGS) pyproject.toml

clean: ## remove what make and the tools have built, .venv included
	rm -rf .venv .demo .artifacts build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
