# Everything is built from here. `make demo` and `make test` need python3 (3.11+, with venv), make and git only.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check bench cpython-tests soak format clean

demo: $(STAMP)
	$(BIN)/netarium demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py

bench: $(STAMP)
	$(BIN)/python -m bench

cpython-tests: $(STAMP)
	$(BIN)/python -m scripts.cpython_tests

soak: $(STAMP)
	$(BIN)/python -m pytest -n 2 -m soak

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
