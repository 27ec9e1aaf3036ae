# The whole interface for people who work on perdure. `make demo` and `make test` set up everything they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV ?= $(shell command -v uv || echo .uv/bin/uv)
export UV_PYTHON_DOWNLOADS ?= never
STUDY ?= demo-study

.PHONY: demo test check bench simulate docs setup clean help

help:
	@echo "make demo     set up, simulate a study, run it, print its pages and headline numbers"
	@echo "make test     set up and run the tests"
	@echo "make check    lint, types, import rules, stale generated pages"
	@echo "make bench    measure, and write docs/benchmarks.md"
	@echo "make simulate draw studies with nothing to find, and write docs/decisions/simulation.md"
	@echo "make docs     write the generated pages of docs/"

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

# uv itself is fetched only where the machine has none.
.venv/.ready: $(if $(filter .uv/bin/uv,$(UV)),.uv/bin/uv) pyproject.toml uv.lock
	$(UV) sync --locked --quiet --python $(PYTHON)
	.venv/bin/python -m flows.prefect_settings
	@touch $@

setup: .venv/.ready

demo: setup
	@.venv/bin/perdure demo $(STUDY)

test: setup
	.venv/bin/pytest

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m docs.generate --check

bench: setup
	.venv/bin/python -m tests.bench

# One process a core, each with one thread: matrices are small.
simulate: setup
	OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1 .venv/bin/python -m tests.simulate

docs: setup
	.venv/bin/python -m docs.generate

clean:
	rm -rf .venv .uv demo-study .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
