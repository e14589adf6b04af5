# Commands for people. `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUN    := @$(BIN)/python -m experiments

# One target for each file of experiments/tables/ and experiments/figures/.
ARTIFACTS := $(filter-out __init__,$(basename $(notdir $(wildcard experiments/tables/*.py experiments/figures/*.py))))
SETTINGS = $(if $(SCALE),--scale $(SCALE)) $(if $(JOBS),--jobs $(JOBS))

.DEFAULT_GOAL := help
.PHONY: help where compare setup $(ARTIFACTS) paper plan unpack selection ablation audit release notebooks
.PHONY: test test-long lint bench architecture clean

help: ## this list
	@echo "Tables and figures: each trains what is missing, prints the table, writes runs/results/nano/NAME.*"
	@echo "$(sort $(ARTIFACTS))" | tr ' ' '\n' | sort -V | tr '\n' ' ' | fold -s -w 92 | sed 's/^/  make /'
	@echo
	@echo "  settings: SEEDS=1 JOBS=2 SCALE=nano|small|paper"
	@echo
	@echo "Other commands"
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/;s/^/  /' | expand -t 14
	@echo
	@echo "  make where TABLE=6   where Table 6 is made, its result, its settings"
	@echo "  make ablation ALPHA='0 5 15' DATASET=alpaca MODEL=llama-2-7b NOISE=gaussian LENGTH_RULE=padded \\"
	@echo "                JUDGE=chatgpt SET='lr=1e-3 epochs=5'"
	@echo "  make plan TABLE=1 SCALE=paper GPU=A100-80GB GPUS=8 MFU=0.35"
	@echo "  make audit DATA=folder     make audit PAIR='folder folder'"
	@echo
	@echo "What the words mean: docs/glossary.md. How to add a table, a noise, a judge, a model: docs/extending.md"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(READY) ## make the virtual environment (the other commands do it themselves)

$(ARTIFACTS): $(READY)
	$(RUN) show $@ $(if $(SEEDS),--seeds $(SEEDS)) $(SETTINGS)

compare: $(READY) ## your own TABLE=1 (or FIGURE=3, or NAME=…) beside the shipped one and the paper's
	$(RUN) compare $(or $(NAME),$(if $(FIGURE),figure$(FIGURE),table$(or $(TABLE),1))) $(if $(SCALE),--scale $(SCALE)) \
	  $(if $(SEEDS),--seeds $(SEEDS))

where: $(READY) ## where TABLE=6 (or FIGURE=4, or NAME=phase) is made, its result, its settings
	$(RUN) where $(or $(NAME),$(if $(FIGURE),figure$(FIGURE),table$(or $(TABLE),1))) $(if $(SCALE),--scale $(SCALE))

paper: $(READY) ## every table and figure, the claims, and a page of them (hours; it resumes)
	$(RUN) paper $(SETTINGS)

ablation: $(READY) ## one fine-tuning under many alphas
	$(RUN) ablation $(if $(ALPHA),--alpha $(ALPHA)) $(if $(DATASET),--dataset $(DATASET)) \
	  $(if $(MODEL),--model $(MODEL)) $(if $(NOISE),--noise $(NOISE)) \
	  $(if $(LENGTH_RULE),--length-rule $(LENGTH_RULE)) $(if $(JUDGE),--judge $(JUDGE)) \
	  $(if $(SET),--set $(SET)) $(if $(SEEDS),--seeds $(SEEDS)) $(SETTINGS)

plan: $(READY) ## what TABLE=1 (or FIGURE=2) costs: tokens, hours, memory, disk, judge calls, dollars
	$(RUN) plan $(or $(NAME),$(if $(FIGURE),figure$(FIGURE),table$(or $(TABLE),1))) $(if $(SCALE),--scale $(SCALE)) \
	  $(if $(GPU),--gpu $(GPU)) $(if $(GPUS),--gpus $(GPUS)) $(if $(MFU),--mfu $(MFU)) \
	  $(if $(SEEDS),--seeds $(SEEDS))

unpack: $(READY) ## put the committed records of every run in runs/, so that nothing is trained again
	$(RUN) unpack $(if $(SCALE),--scale $(SCALE))

selection: $(READY) ## choose learning rates and alphas that are not chosen yet, on validation instructions
	$(RUN) selection $(SETTINGS)

audit: $(READY) ## GPT-4's public verdicts on NEFTune models, recomputed
	$(RUN) audit $(if $(DATA),--data $(DATA)) $(if $(PAIR),--pair $(PAIR))

release: $(READY) ## replace the project's own results in results/ (needs DATA=folder for the audit)
	$(RUN) release $(SETTINGS) $(if $(DATA),--data $(DATA))

notebooks: $(READY) ## execute the notebooks into runs/notebooks/, from committed results alone
	@$(BIN)/python -m notebooks.execute

test: $(READY) ## the tests but the long ones (about TIME1 minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not long" -n $(or $(JOBS),auto) --dist worksteal

test-long: $(READY) ## attacks, SLURM, whole tables, notebooks, two processes (about TIME2 minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long -vv -n $(or $(JOBS),auto) --dist worksteal

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## the benchmarks (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.processes
	@$(BIN)/python -m benchmarks.speed

architecture: $(READY) ## draw docs/architecture.svg from the imports
	@$(BIN)/python -m docs.architecture

clean: ## remove runs and caches; results stay
	rm -rf runs .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -exec rm -rf {} +
