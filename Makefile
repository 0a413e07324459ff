# Everything a person does with this project; `make help` lists it.
PYTHON  ?= python3
PROFILE ?= quick
CORES   ?= all
SEEDS   ?= 1
SHARDS  ?= 8
WORKERS ?= 2
PORT    ?= 8866
HOST    ?= 127.0.0.1
CAP     ?= 60

BIN   := .venv/bin
READY := .venv/.ready

# Byte-code is what makes TensorFlow start in 10 s rather than 20 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
# Where the work is done: here, or with EXECUTOR=slurm on a cluster, by the settings in SITE.
PLACE := --cores $(CORES) $(if $(EXECUTOR),--executor $(EXECUTOR)) $(if $(SITE),--site $(SITE))

.PHONY: help setup run predict test test-all lint lab app site notebooks benchmark tune ship readme lock clean

help:  ## list what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Profiles (params/): $(notdir $(wildcard params/*))"

setup: $(READY)  ## set up .venv (the others do it when it is needed)

run: $(READY)  ## run a profile's notebooks: PROFILE=quick CORES=all SEEDS=1 EXECUTOR=slurm
	@$(BIN)/python -m digitlib.pipeline.run --profile $(PROFILE) --seeds $(SEEDS) $(PLACE)

predict: $(READY)  ## read many pictures in parts into a table: INPUT=scans/ TABLE=scans.csv SHARDS=8
	@$(BIN)/python -m digitlib.pipeline.sharding run "$(INPUT)" "$(TABLE)" --shards $(SHARDS) $(PLACE)

test: $(READY) lint  ## lint, then run all tests but the long ones, several at a time
	@$(BIN)/python -m pytest

test-all: $(READY)  ## run what `make test` leaves out, one after the other: campaigns, speed
	@$(BIN)/python -m pytest -m campaign --numprocesses 0

lint: $(READY)  ## check style, formatting (notebooks too), types and which package imports which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

lab: $(READY)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab

app: $(READY)  ## draw and read digits in the browser: PORT=8866; HOST=0.0.0.0 for your phone
	@$(BIN)/python -m digitlib.apps.page --port $(PORT) --host $(HOST)

site: $(READY)  ## write a page that reads digits by itself, offline: outputs/site/index.html
	@$(BIN)/digitlib site outputs/site/index.html --overwrite $(if $(REPORT),--report $(REPORT))

notebooks: $(READY)  ## execute the committed notebooks again, in order, and clean them
	@$(BIN)/python -m digitlib.pipeline.notebooks refresh

benchmark: $(READY)  ## compare speed side by side: TRAIN=1 CAP=60 adds a race, PEERS=1 other readers
	@$(BIN)/python -m digitlib.release.benchmark $(if $(PEERS),--peers) \
	  $(if $(TRAIN),--train --cap $(CAP) $(if $(filter command% env%,$(origin SEEDS)),--seeds $(SEEDS)))

tune: $(READY)  ## make a search's trials with several processes: PROFILE=search WORKERS=2
	@$(BIN)/python -m digitlib.pipeline.tuning --profile $(PROFILE) --workers $(WORKERS) $(PLACE)

ship: $(READY)  ## make a finished profile's model the shipped one: PROFILE=record
	@$(BIN)/python -m digitlib.release.ship $(if $(filter file,$(origin PROFILE)),,$(PROFILE))

readme: $(READY)  ## write the README's results from the metrics under outputs/
	@$(BIN)/python -m digitlib.release.readme

lock: $(READY)  ## pin dependencies again: UPGRADE=--upgrade takes the newest
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --extra cluster --extra dev --extra formats --extra notebooks --extra service --extra tracking --no-annotate $(UPGRADE) \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:  ## remove .venv and caches; outputs/ stays
	rm -rf .venv .home .snakemake .pytest_cache .ruff_cache .hypothesis build dist *.egg-info

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "This needs Python 3.11, 3.12 or 3.13 (TensorFlow has no later one yet);" \
	    "$(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@echo "Setting up .venv, which takes some minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --compile --no-deps --no-build-isolation --editable .
	@touch $@
