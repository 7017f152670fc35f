# Everything a contributor or a first-time user runs. Each target sets up .venv first if need be.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

LESSONS := docs/_build/html/lessons/index.html

.PHONY: setup train lab test check format docs bench

setup: $(READY)

$(READY): pyproject.toml constraints.txt setup.py $(wildcard src/onelayer/solvers/kernels/*.[ch])
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

train: setup
	$(BIN)/onelayer train fashion-mnist

lab: setup
	$(BIN)/onelayer lab

# In two to four processes, each with one thread: the threads of several would wait for each other.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The lessons are part of the site; they take four minutes, and are made again when their files have changed.
docs: setup $(LESSONS)
	$(BIN)/python -m sphinx -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python tools/check_links.py docs/_build/html

$(LESSONS): $(shell git ls-files src/onelayer/lab) | setup
	$(BIN)/onelayer lab --site $(dir $@)

# QUICK=1 make bench is small, and overwrites nothing.
bench: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks
