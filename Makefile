# The same commands as `python3 -m workbench COMMAND`, and the contributors' tools.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIN := --quiet --strip-extras --allow-unsafe --all-build-deps --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help environment check lint types test slow notebooks bench serve lab report list method lock

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort \
		| awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

environment:  ## make .venv with the test tools, or bring it up to date
	@$(PYTHON) -c 'from workbench.environment import prepare; prepare("all", "test")'

check: lint types  ## the fast loop: lint, types, fast tests
	$(BIN)/python -m pytest -q -m "not slow"

lint: environment  ## ruff
	$(BIN)/ruff check .

types: environment  ## mypy, strict
	$(BIN)/mypy

test:  ## all tests, as `python3 -m workbench test`
	$(PYTHON) -m workbench test

slow: environment  ## the slow tests only
	$(BIN)/python -m pytest -m slow

notebooks: environment  ## every notebook: its form, then a run with small parameters
	$(BIN)/python -m pytest tests/test_notebooks.py

bench: environment  ## every benchmark, one table each
	@set -e; for file in benchmarks/[a-z]*.py; do echo "$$file"; $(BIN)/python "$$file"; done

serve:  ## open the pages
	$(PYTHON) -m workbench serve

lab:  ## open JupyterLab with the notebooks
	$(PYTHON) -m workbench lab

list:  ## the studies and their parameters
	$(PYTHON) -m workbench list

report:  ## study=NAME param="a=1 b=2": run notebooks, write reports (all without study)
	$(PYTHON) -m workbench report $(study) $(foreach pair,$(param),-p $(pair))

method:  ## name=NAME room=ROOM: the files of a new method, from templates
	$(PYTHON) -m workbench method $(name) --room $(room)

lock:  ## pin the dependencies anew (needs pip-compile of pip-tools on the PATH)
	pip-compile $(PIN) --extra all --extra test -o .venv/full.lock pyproject.toml
	pip-compile $(PIN) --extra all -c .venv/full.lock -o requirements.lock pyproject.toml
	sed -i -e '/^#/d' -e '/^$$/d' requirements.lock
	sed -i -e 's/^torch==\([^+]*\).*/torch==\1/' .venv/full.lock requirements.lock  # any processor's
	grep '==' .venv/full.lock | grep -vxFf requirements.lock > requirements-test.lock
