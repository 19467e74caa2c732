# Everything is built from here. `make demo` and `make test` need python3 (3.11+, with venv), make and git only.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Compiled modules are kept, as by default: else each of the suite's thousand processes compiles all of them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := demo
.PHONY: help demo test check bench cpython-tests soak format clean
.PHONY: compiled compiled-test compiled-check pure
.PHONY: check-format check-lint check-types check-layers check-sizes

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.* ## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(STAMP) ## what the README shows: a PC that knows nothing opens a web page, told step by step
	$(BIN)/netarium demo

# Three workers for two cores: tests beside the real kernel wait in real time.
test: $(STAMP) ## the whole suite
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: check-format check-lint check-types check-layers check-sizes ## format, lint, types, layers, sizes

check-format: $(STAMP)
	$(BIN)/ruff format --check .

check-lint: $(STAMP)
	$(BIN)/ruff check .

check-types: $(STAMP)
	$(BIN)/mypy

check-layers: $(STAMP)
	$(BIN)/lint-imports

check-sizes: $(STAMP)
	$(BIN)/python scripts/check_sizes.py

bench: $(STAMP) ## the speed of whole programs, beside other simulators where they are installed
	$(BIN)/python -m bench

cpython-tests: $(STAMP) ## CPython's own tests of sockets and asyncio on a virtual host: docs/cpython-tests.md
	$(BIN)/python -m scripts.cpython_tests

soak: $(STAMP) ## the long tests, and twenty times the examples for every property
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile soak -m "soak or hypothesis"

# The optional build of the core by mypyc (docs/decisions/0006): into build/compiled, never into src.
compiled: $(STAMP) ## the core compiled by mypyc, in build/compiled (optional)
	$(BIN)/python -m scripts.compiled

compiled-test: compiled ## the tests on the compiled build
	PYTHONPATH=build/compiled $(BIN)/python -m pytest -n 2

compiled-check: compiled ## the same runs, pure and compiled: equal digests
	$(BIN)/python -m scripts.compiled.checking

pure: ## remove the compiled build
	rm -rf build/compiled

format: $(STAMP) ## format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean: ## take away the environment and all caches
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
