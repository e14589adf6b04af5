# The front door. `make help` lists what there is.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup table1 audit test lint bench clean

help: ## this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo "Settings: make table1 SEEDS=3 JOBS=2 SELECT=1 · make audit DATA=folder · make audit PAIR='folder folder'"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(READY) ## make the virtual environment (the others do it themselves)

table1: $(READY) ## Table 1: train with and without noise, judge, print (about 5 minutes)
	@$(BIN)/python -m experiments table1 $(if $(SEEDS),--seeds $(SEEDS)) $(if $(JOBS),--jobs $(JOBS)) $(if $(SELECT),--select)

audit: $(READY) ## what GPT-4 really said of the public NEFTune models
	@$(BIN)/python -m experiments audit $(if $(DATA),--data $(DATA)) $(if $(PAIR),--pair $(PAIR))

test: $(READY) ## the tests (about 5 minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(or $(JOBS),auto) --dist worksteal

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## the benchmarks (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.processes

clean: ## remove runs and caches; results stay
	rm -rf runs .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -exec rm -rf {} +
