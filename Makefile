# `make help` says what there is. Every target sets up what it needs, says so, and does nothing twice.
#
# Python goes into .venv, everything else into .tools and clients/typescript/node_modules; only a missing browser
# (or, on Debian, Python's venv module, curl, jq) is installed system-wide, and only where there is no other way.

# Pinned: another version makes other stubs. clients/README.md and clients/typescript/package.json name them too
# (a test compares them); grpcio-tools is pinned in pyproject.toml.
BUF_VERSION := 1.75.0
PROTOC_GEN_ES_VERSION := 2.13.0
PROTOC_GEN_GO_VERSION := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2

# The Python to make .venv with; empty: python3, or another that is there and is 3.11 or newer.
PYTHON ?=
# Further arguments for pytest, the demo or the bench: make test ARGS=tests/unit
ARGS ?=
# Seeds of the simulation, and one to replay: make sim SEEDS=1000, make sim SEED=123 ARGS=--trace
SEEDS ?= 300
FIRST ?= 0
SEED ?=
# How long: make load MINUTES=10, make soak MINUTES=10
MINUTES ?= 10

RUN := .venv/bin/python
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/.tools/node_modules/.bin:$(PATH)

# Stamps say what is set up. This one names the folder, because a virtualenv that was copied or moved with its
# folder still points to the old one.
VENV := .venv/.set-up-$(shell pwd | cksum | cut -d ' ' -f 1)
GENERATORS := .tools/.generators-$(BUF_VERSION)-$(PROTOC_GEN_ES_VERSION)-$(PROTOC_GEN_GO_VERSION)-$(PROTOC_GEN_GO_GRPC_VERSION)
# The published SDK of the API that our gateway speaks too; the tests read the version here.
SKYVERN_VERSION := 1.0.56
SKYVERN := .tools/skyvern/.set-up-$(SKYVERN_VERSION)
GO_CLIENT := .tools/.go-client
TYPESCRIPT_CLIENT := clients/typescript/node_modules/.set-up

AD_BLOCKER := .tools/ad-blocker
MINIWOB := .venv/.miniwob-$(shell pwd | cksum | cut -d ' ' -f 1)

SIMULATION := $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST))

.PHONY: help demo test sim sim-mutants chaos soak check check-style check-types check-imports check-protos check-stubs gen bench miniwob applications load setup browser ad-blocker shell-tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV) browser ad-blocker ## the whole story in a real browser, ending with what the demo site itself saw
	@$(RUN) -m demo $(ARGS)

test: $(VENV) browser ad-blocker shell-tools $(SKYVERN) $(GO_CLIENT) $(TYPESCRIPT_CLIENT) ## unit, integration and end-to-end tests (ARGS=... for pytest)
	@$(RUN) -m pytest $(ARGS)

sim: $(VENV) ## worlds with faults on a virtual clock (SEEDS=300 FIRST=0; SEED=n replays one, ARGS=--trace shows it)
	@$(RUN) -m tests.simulation $(SIMULATION) $(ARGS)

sim-mutants: $(VENV) ## remove each rule of the protocol in turn; says which invariant notices
	@$(RUN) -m tests.simulation --mutants --seeds $(SEEDS) $(ARGS)

chaos: $(VENV) ## every fault of real processes, many times, and a table (ARGS="--times 10 --kills 200 disk")
	@$(RUN) -m tests.chaos $(ARGS)

soak: $(VENV) browser ## real and simulated hosts under load and random faults, then checks and a leak report (MINUTES=10)
	@$(RUN) -m tests.soak --minutes $(MINUTES) $(ARGS)

check: check-style check-types check-imports check-protos check-stubs ## everything that needs no browser: style, types, imports, protos, stubs

check-style: $(VENV) ## ruff: lint and format
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check

check-types: $(VENV) ## mypy --strict
	@$(RUN) -m mypy
	@$(RUN) -m mypy scripts tests $(dir $(wildcard bench/__main__.py))

check-imports: $(VENV) ## import-linter: who may import whom
	@.venv/bin/lint-imports --no-cache

check-protos: $(GENERATORS) ## buf: lint, format, and no break against the last release (or the main branch)
	@scripts/check_protos.sh

check-stubs: $(VENV) $(GENERATORS) ## the committed stubs and the table of routes are what the protos give
	@$(RUN) scripts/generate.py --check
	@$(RUN) scripts/http_routes.py --check

gen: $(VENV) $(GENERATORS) ## make the Python, Go and TypeScript stubs from protos/
	@$(RUN) scripts/generate.py
	@$(RUN) scripts/http_routes.py

load: $(VENV) ## 1,000 simulated hosts with 10,000 sessions and 5,200 events a second on one control plane (MINUTES=10)
	@$(RUN) -m bench.fleet_load --minutes $(MINUTES) $(ARGS)

bench: $(VENV) browser $(SKYVERN) ## the figures: ours beside the floor and a peer, in one run
	@$(RUN) -m bench $(ARGS)

miniwob: $(MINIWOB) browser ## MiniWoB++ through the API: solved, refused, false successes (ARGS="--episodes 5 --first-seed 1")
	@$(RUN) -m bench.miniwob $(ARGS)

applications: $(VENV) browser ## prompts for real applications, which it installs into .tools/applications; judged by their own data
	@$(RUN) -m bench.applications $(ARGS)

setup: $(VENV) $(GENERATORS) $(GO_CLIENT) $(TYPESCRIPT_CLIENT) $(SKYVERN) browser shell-tools ## everything the other targets set up, at once

browser: $(VENV) ## find a browser, or install one
	@$(RUN) scripts/set_up_browser.py

ad-blocker: $(VENV) # for the demo, which goes on without it where the lists cannot be had
	@test -e $(AD_BLOCKER)/manifest.json || $(RUN) -m browser_host.ad_blocker build --to $(AD_BLOCKER) || true

shell-tools: # curl and jq, for the snippets of docs/http.md that tests run
	@scripts/set_up_shell_tools.sh

clean: ## remove what was set up or built here; the next target sets it up again
	rm -rf .venv .tools clients/typescript/node_modules clients/typescript/dist .mypy_cache .ruff_cache .pytest_cache

$(VENV): pyproject.toml scripts/set_up_python.sh
	@PYTHON="$(PYTHON)" scripts/set_up_python.sh
	@touch $@

$(MINIWOB): $(VENV)
	@echo "miniwob: installing the pages of MiniWoB++ into .venv"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --group miniwob
	@touch $@

$(GENERATORS): scripts/set_up_generators.sh
	@BUF_VERSION=$(BUF_VERSION) PROTOC_GEN_ES_VERSION=$(PROTOC_GEN_ES_VERSION) \
		PROTOC_GEN_GO_VERSION=$(PROTOC_GEN_GO_VERSION) PROTOC_GEN_GO_GRPC_VERSION=$(PROTOC_GEN_GO_GRPC_VERSION) \
		scripts/set_up_generators.sh $@

$(SKYVERN): scripts/set_up_skyvern.sh | $(VENV)
	@scripts/set_up_skyvern.sh .tools/skyvern $(SKYVERN_VERSION)

$(GO_CLIENT): clients/go/go.mod clients/go/go.sum scripts/set_up_clients.sh
	@scripts/set_up_clients.sh go $@

$(TYPESCRIPT_CLIENT): clients/typescript/package.json scripts/set_up_clients.sh
	@scripts/set_up_clients.sh typescript $@
