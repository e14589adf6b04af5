# Commands for people. `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
RUN    := @$(BIN)/python -m experiments

# One target for each file of experiments/tables/ and experiments/figures/.
ARTIFACTS := $(filter-out __init__,$(basename $(notdir $(wildcard experiments/tables/*.py experiments/figures/*.py))))
TARGETS   := $(ARTIFACTS) help setup where compare plan paper claims ablation study selection audit dose laboratory-check \
             unpack release notebook notebooks judge-card findings evidence site docs test test-long test-versions lint bench architecture clean

# The settings of each target. `make help` prints them; any other is refused before anything runs.
# Those in ENVIRONMENT reach the commands in the environment (docs/real-scale.md), the others as options.
WHICH       := TABLE FIGURE NAME
ENVIRONMENT := JUDGE_MODEL JUDGE_BASE_URL JUDGE_PRICES REFERENCE_OUTPUTS PUBLIC_VERDICTS LEADERBOARD_DATA MODEL_% DATA_% GEMMA_TERMS \
               CHECK REPORT_TO WANDB_% OPENAI_BASE_URL \
               ATTENTION PRECISION ROWS INSTRUCTIONS PROCESSES PROFILE OPENAI_API_KEY HF_% CUDA_% SBATCH_% OMP_NUM_THREADS TMPDIR
$(foreach target,$(ARTIFACTS),$(eval settings.$(target) := SEEDS JOBS SCALE $(ENVIRONMENT)))
settings.compare   := $(WHICH) SEEDS SCALE
settings.where     := $(WHICH) SCALE
settings.plan      := $(WHICH) SEEDS SCALE GPU GPUS MFU $(ENVIRONMENT)
settings.paper     := JOBS SCALE $(ENVIRONMENT)
settings.claims    := JOBS SCALE $(ENVIRONMENT)
settings.ablation  := ALPHA DATASET MODEL NOISE LENGTH_RULE JUDGE SET SEEDS JOBS SCALE $(ENVIRONMENT)
settings.study     := ALPHA DATASET MODEL OUTPUTS PAIRS REPEATS EQUAL_LENGTH SHUFFLE RATINGS JOBS SCALE $(ENVIRONMENT)
settings.selection := JOBS SCALE $(ENVIRONMENT)
settings.audit     := DATA PAIR
settings.dose      := EXAMPLES DRAWS $(ENVIRONMENT)
settings.laboratory-check := JOBS
settings.judge-card := $(ENVIRONMENT)
settings.findings  :=
settings.site      := RUNS
settings.evidence  :=
settings.docs      :=
settings.unpack    := SCALE
settings.release   := DATA JOBS SCALE $(ENVIRONMENT)
settings.test      := JOBS
settings.test-long := JOBS
settings.test-versions := TORCH_INDEX
EVERYWHERE         := PYTHON VENV

# Values are passed on as they were typed, whatever characters they have. Those of MANY are lists.
ONE  := SEEDS JOBS SCALE DATASET MODEL NOISE LENGTH_RULE JUDGE GPU GPUS MFU DATA EXAMPLES DRAWS PAIRS REPEATS EQUAL_LENGTH SHUFFLE RUNS
MANY := ALPHA SET PAIR OUTPUTS RATINGS
quoted  = '$(subst ','\'',$1)'
option  = --$(shell echo $1 | tr A-Z_ a-z-)
OPTIONS = $(foreach one,$(filter $(ONE),$(settings.$@)),$(if $(value $(one)),$(call option,$(one))=$(call quoted,$(value $(one))))) \
  $(foreach many,$(filter $(MANY),$(settings.$@)),$(if $(value $(many)),$(call option,$(many)) $(foreach each,$(value $(many)),$(call quoted,$(each)))))
ARTIFACT = -- $(call quoted,$(or $(value NAME),$(if $(value FIGURE),figure$(value FIGURE),table$(or $(value TABLE),1))))
unexport $(WHICH) $(ONE) $(MANY) MAKEFLAGS

# What was asked for is checked here.
GOALS := $(or $(MAKECMDGOALS),help)
override GIVEN := $(foreach each,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(each)))),$(each)))
USED  := $(foreach goal,$(GOALS),$(settings.$(goal)))
define NEWLINE


endef
closest = $(shell $(PYTHON) -c 'import difflib, sys; word, *names = sys.argv[1:]; \
  known = {name.lower(): name for name in names}; near = difflib.get_close_matches(word.lower(), known, 1); \
  print(*[f" Did you mean {known[name]}?" for name in near])' $(call quoted,$1) $2 2>/dev/null)
elsewhere = $(sort $(filter-out $(ARTIFACTS),$(foreach target,$(TARGETS),$(if $(filter $1,$(settings.$(target))),$(target)))))
readable  = $(subst %,…,$1)
own       = $(sort $(filter-out $(ENVIRONMENT),$(USED)) $(EVERYWHERE))
others    = $(if $(filter $(ENVIRONMENT),$(USED)),; in the environment too: $(call readable,$(ENVIRONMENT)))
refused   = $(error $1 is no setting of "make $(GOALS)"$(if $(elsewhere), but of $(elsewhere)).$(closest) \
  Its settings: $(own)$(others))

$(foreach goal,$(filter-out $(TARGETS) $(READY),$(GOALS)),\
  $(error there is no target "$(goal)".$(call closest,$(goal),$(TARGETS)) "make help" lists them))
$(foreach name,$(filter-out $(USED) $(EVERYWHERE),$(GIVEN)),$(call refused,$(name),$(call readable,$(USED) $(EVERYWHERE))))
$(foreach name,$(GIVEN),$(if $(findstring $(NEWLINE),$(value $(name))),$(error $(name) has more than one line)))
# Other programs set NAME in the environment, so what is meant is taken from the command line alone.
$(foreach name,$(WHICH),$(if $(filter command,$(firstword $(origin $(name)))),,$(eval $(name) :=)))
$(if $(word 2,$(foreach name,$(WHICH),$(if $(value $(name)),$(name)))),$(error give one of $(WHICH), not several))

# A workflow ends when the make that started it is killed.
export MAKE_PID := $(shell echo $$PPID)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: $(TARGETS)

help: ## this list
	@echo "Tables and figures: each trains what is missing, prints the table, writes runs/results/nano/NAME.*"
	@echo "$(sort $(ARTIFACTS))" | tr ' ' '\n' | sort -V | tr '\n' ' ' | fold -s -w 92 | sed 's/^/  make /'
	@echo
	@echo "Other commands"
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/;s/^/  /' | expand -t 20
	@echo
	@echo "Settings"
	@printf '  %-17s %s\n' 'table1' '$(filter-out $(ENVIRONMENT),$(settings.table1))' \
	  $(foreach target,$(filter-out $(ARTIFACTS),$(TARGETS)),$(if $(settings.$(target)),\
	    $(target) '$(filter-out $(ENVIRONMENT),$(settings.$(target)))'))
	@echo "  SCALE is nano, small or paper. With real models also, on the command line or in the environment:"
	@echo "$(call readable,$(ENVIRONMENT))" | fold -s -w 90 | sed 's/^/  /'
	@echo
	@echo "  make table1 SEEDS=1 JOBS=2"
	@echo "  make where TABLE=6   where Table 6 is made, its result, its settings"
	@echo "  make ablation ALPHA='0 5 15' DATASET=alpaca MODEL=llama-2-7b NOISE=gaussian LENGTH_RULE=padded \\"
	@echo "                JUDGE=chatgpt SET='lr=1e-3 epochs=5'"
	@echo "  make study ALPHA='0 5' EQUAL_LENGTH=10     make study RATINGS='ann.json ben.json'"
	@echo "  make plan TABLE=1 SCALE=paper GPU=A100-80GB GPUS=8 MFU=0.35"
	@echo "  make audit DATA=folder     make audit PAIR='folder folder'     make site RUNS=runs/nano"
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
	$(RUN) show $@ $(OPTIONS)

compare: $(READY) ## your own TABLE=1 (or FIGURE=3, or NAME=…) beside the shipped one and the paper's
	$(RUN) compare $(OPTIONS) $(ARTIFACT)

where: $(READY) ## where TABLE=6 (or FIGURE=4, or NAME=phase) is made, its result, its settings
	$(RUN) where $(OPTIONS) $(ARTIFACT)

paper: $(READY) ## every table and figure, the claims, and a page of them (hours; it resumes)
	$(RUN) paper $(OPTIONS)

claims: $(READY) ## only what the claims need: their runs, verdicts, a page and a picture
	$(RUN) claims $(OPTIONS)

ablation: $(READY) ## one fine-tuning under many alphas
	$(RUN) ablation $(OPTIONS)

study: $(READY) ## a page on which people compare two runs' answers blindly; RATINGS='a.json b.json' merges theirs
	$(RUN) study $(OPTIONS)

plan: $(READY) ## what TABLE=1 (or FIGURE=2) costs: tokens, hours, memory, disk, judge calls and their price
	$(RUN) plan $(OPTIONS) $(ARTIFACT)

unpack: $(READY) ## put the committed records of every run in runs/, so that nothing is trained again
	$(RUN) unpack $(OPTIONS)

selection: $(READY) ## choose learning rates and alphas that are not chosen yet, on validation instructions
	$(RUN) selection $(OPTIONS)

audit: $(READY) ## GPT-4's public verdicts on NEFTune models, recomputed
	$(RUN) audit $(OPTIONS)

dose: $(READY) ## what the noise does to each model before training (DATA_alpaca=FILE: real ones too)
	$(RUN) dose $(OPTIONS)

laboratory-check: $(READY) ## whether the laboratory meets its stated conditions (trains without noise)
	$(RUN) laboratory_check $(OPTIONS)

judge-card: $(READY) ## how far the judge of the scale small can be trusted (PUBLIC_VERDICTS=… REFERENCE_OUTPUTS=…)
	$(RUN) judge_card $(OPTIONS)

findings: $(READY) ## what noise does to real models and to the laboratory's at the same dose, from results that are there
	$(RUN) findings $(OPTIONS)

site: $(READY) ## the results as pages to look at, in runs/site/index.html (RUNS=folder: yours beside them)
	$(RUN) site $(OPTIONS)

evidence: $(READY) ## every published comparison with and without NEFTune, checked, beside this project's own
	$(RUN) evidence $(OPTIONS)

release: $(READY) ## replace the project's own results in results/ (needs DATA=folder for the audit)
	$(RUN) release $(OPTIONS)

notebook: $(READY) ## open the notebooks in Jupyter, which it installs the first time
	@$(BIN)/python -c 'import jupyterlab' 2>/dev/null || { echo "Installing JupyterLab into $(VENV), beside the locked packages."; \
	  $(BIN)/python -m pip install --quiet --constraint requirements.lock jupyterlab; }
	@$(BIN)/python -m jupyterlab notebooks

notebooks: $(READY) ## execute the notebooks into runs/notebooks/ (one of them trains, for a minute)
	@$(BIN)/python -m notebooks.execute

PYTEST = @OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(call quoted,$(or $(value JOBS),auto)) --dist worksteal \
	--durations 15 --durations-min 10

test: $(READY) ## the tests but the long ones (about 7 minutes)
	$(PYTEST) -m "not long"

test-long: $(READY) ## attacks, SLURM, whole tables, notebooks, two processes (about 15 minutes)
	$(PYTEST) -m long -vv

test-versions: ## the package alone, on the oldest and newest versions it supports (makes environments, hours)
	@PYTHON=$(call quoted,$(value PYTHON)) .ci/versions

lint: $(READY) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

docs: $(READY) ## the documentation as a site, in runs/docs/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

bench: $(READY) ## the benchmarks (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.processes
	@$(BIN)/python -m benchmarks.speed

architecture: $(READY) ## draw docs/architecture.svg from the imports
	@$(BIN)/python -m docs.architecture

clean: ## remove runs and caches; results stay
	rm -rf runs .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -exec rm -rf {} +
