# The two commands a newcomer needs: `make demo` and `make test`. Both make .venv themselves.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python

.PHONY: demo test check docs clean
.DELETE_ON_ERROR:

demo: .venv/core
	$(BIN)/medgraft demo

# Two processes share the cores: threads inside each would only wait for one another.
test: .venv/test
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile -m "not slow"

slow: .venv/test
	$(BIN)/pytest -m slow

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/test
	$(UV) -e ".[docs]"
	$(BIN)/mkdocs build --strict

# uv keeps a cache, so that the next installation takes seconds; pip puts uv there.
.venv/uv:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("medgraft needs Python 3.11 or newer: run make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

.venv/core: .venv/uv pyproject.toml
	$(UV) -e .
	touch $@

.venv/test: .venv/uv pyproject.toml
	$(UV) -e ".[test,signals,dicom,omics,explain]"
	touch $@ .venv/core

clean:
	rm -rf .venv medgraft-demo site
