# The front door. `make help` lists what there is.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUN    := @$(BIN)/python -m experiments

TABLES  := $(foreach n,1 2 3 4 5 6 7 8 9 10 11 12 13 14,table$(n))
FIGURES := $(foreach n,1 2 3 4 5 6 7 8 9,figure$(n))
SETTINGS = $(if $(SCALE),--scale $(SCALE)) $(if $(JOBS),--jobs $(JOBS))

.DEFAULT_GOAL := help
.PHONY: help setup $(TABLES) $(FIGURES) human curves phase strongnoise paper plan unpack selection ablation audit notebooks
.PHONY: test lint bench clean

help: ## this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo "table1 … table14, figure1 … figure9, human, curves, phase, strongnoise"
	@echo "            each of the paper's tables and figures, and what it lacks"
	@echo
	@echo "Settings: SEEDS=1 JOBS=2 SCALE=nano · make audit DATA=folder · make audit PAIR='folder folder'"
	@echo "          make ablation ALPHA='0 5 15' DATASET= MODEL= NOISE= SCALE_RULE= SET='lr=1e-3 epochs=5'"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(READY) ## make the virtual environment (the others do it themselves)

$(TABLES) $(FIGURES) human curves phase strongnoise: $(READY)
	$(RUN) show $@ $(if $(SEEDS),--seeds $(SEEDS)) $(SETTINGS)

paper: $(READY) ## every table and figure, the claims, and results/nano/README.md (hours; it resumes)
	$(RUN) paper $(SETTINGS)

ablation: $(READY) ## one fine-tuning under many alphas
	$(RUN) ablation $(if $(ALPHA),--alpha $(ALPHA)) $(if $(DATASET),--dataset $(DATASET)) \
	  $(if $(MODEL),--model $(MODEL)) $(if $(NOISE),--noise $(NOISE)) \
	  $(if $(SCALE_RULE),--scale-rule $(SCALE_RULE)) $(if $(JUDGE),--judge $(JUDGE)) \
	  $(if $(SET),--set $(SET)) $(if $(SEEDS),--seeds $(SEEDS)) $(SETTINGS)

plan: $(READY) ## what TABLE=1 (or FIGURE=2) will cost: tokens, hours, memory, disk, judge calls, dollars
	$(RUN) plan $(if $(FIGURE),figure$(FIGURE),table$(or $(TABLE),1)) $(if $(SCALE),--scale $(SCALE)) \
	  $(if $(GPU),--gpu $(GPU)) $(if $(GPUS),--gpus $(GPUS)) $(if $(MFU),--mfu $(MFU)) \
	  $(if $(SEEDS),--seeds $(SEEDS))

unpack: $(READY) ## put the committed records of every run in runs/, so that nothing is trained again
	$(RUN) unpack $(if $(SCALE),--scale $(SCALE))

selection: $(READY) ## choose learning rates and alphas that are not chosen yet, on validation instructions
	$(RUN) selection $(SETTINGS)

audit: $(READY) ## what GPT-4 really said of the public NEFTune models
	$(RUN) audit $(if $(DATA),--data $(DATA)) $(if $(PAIR),--pair $(PAIR))

notebooks: $(READY) ## execute the notebooks, from committed results alone
	@$(BIN)/python -m notebooks.execute

test: $(READY) ## the tests (about 7 minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(or $(JOBS),auto) --dist worksteal

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## the benchmarks (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.processes
	@$(BIN)/python -m benchmarks.speed

clean: ## remove runs and caches; results stay
	rm -rf runs .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -exec rm -rf {} +
