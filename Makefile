# Everything that can be done with this repository. `make` alone explains.
# One target directory and one virtual environment serve all, so that a second run is quick.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PEERS  := .venv-peers
PORT   ?= 8000
CORE   := python/rtcore/_core.abi3.so
RUST   := $(shell find rust/core rust/data rust/reactor rust/store rust/py -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock
# The pinned maturin of the environment builds, with the lock file, into the one target directory.
BUILDING := PATH="$(CURDIR)/$(BIN):$$PATH" MATURIN_PEP517_ARGS=--locked CARGO_TARGET_DIR="$(CURDIR)/target"
export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# FAST=1: the core is built in seconds and runs slower, for work on it. Figures and wheels are never made so.
ifdef FAST
export CARGO_PROFILE_RELEASE_LTO := off
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS := 16
export CARGO_PROFILE_RELEASE_OPT_LEVEL := 1
export CARGO_PROFILE_RELEASE_DEBUG := 0
export CARGO_PROFILE_RELEASE_INCREMENTAL := true
endif

.DEFAULT_GOAL := help
.PHONY: help demo build test crash weeks weather storm calm kills quick check coverage conformance firefox breaks bench bench-scenes bench-pairs count bench-peers bench-calm peers profile soak wheel wheel-check fuzz docs lock clean prepare prepare-test

help: ## this text
	@echo "rtcore: a realtime server for Python on a native core"
	@echo
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo
	@echo "First time here:  make demo    then open http://127.0.0.1:$(PORT) in two windows."
	@echo "While working:    make quick"
	@echo "Before a commit:  make test    which installs what it needs by itself."

demo: build ## install everything and serve the chat page on http://127.0.0.1:8000 (PORT=… for another)
	@exec $(BIN)/rtcore demo --port $(PORT)

build: $(VENV)/.core ## the virtual environment with the native core in it (FAST=1: built in seconds, runs slower)

test: prepare-test $(VENV)/.dev $(VENV)/.docs $(VENV)/.wheel $(VENV)/.core node_modules/.package-lock.json ## every test and every check (ONLY=name,… for some, ALSO=conformance for more, see scripts/check.py --list)
	@$(BIN)/python scripts/check.py $(if $(ONLY),--only $(ONLY)) $(if $(ALSO),--also $(ALSO))

crash: $(VENV)/.dev $(VENV)/.core ## kill servers under load, a thousand times, and see that nothing acknowledged is lost (RUNS=… FIRST=seed DISK=honest|forgets|fails|hangs|full)
	@$(BIN)/python -m tests.crash --runs $(or $(RUNS),1000) --disk $(or $(DISK),honest) $(if $(FIRST),--first $(FIRST))

weeks: $(VENV)/.dev $(VENV)/.core ## five thousand random runs of clients and servers in a network in a box (RUNS=… FIRST=seed)
	@$(BIN)/python -m tests.sim --runs $(or $(RUNS),5000) $(if $(FIRST),--first $(FIRST))

calm: $(VENV)/.dev $(VENV)/.core ## an hour of a load that goes well, and no alarm (MINUTES=…)
	@$(BIN)/python -m tests.diagnose.calm --minutes $(or $(MINUTES),60)

weather: $(VENV)/.dev $(VENV)/.core ## a client behind the fault proxy for ten minutes, each fault in turn, with the counts (MINUTES=…)
	@$(BIN)/python -m tests.weather --minutes $(or $(MINUTES),10)

storm: $(VENV)/.dev $(VENV)/.core ## shared data through a real server, the fault proxy and kill -9 for ten minutes, with the counts (MINUTES=… FIRST=seed)
	@$(BIN)/python -m tests.storm --minutes $(or $(MINUTES),10) $(if $(FIRST),--first $(FIRST))

kills: $(VENV)/.dev $(VENV)/.core ## kill -9 of a client with an outbox, 200 times, within the window and with it passed (KILLS=…)
	@RTCORE_KILLS=$(or $(KILLS),200) $(BIN)/python -m pytest -q -s -o faulthandler_timeout=7200 tests/client/test_killed.py

quick: prepare-test $(VENV)/.dev $(VENV)/.core node_modules/.package-lock.json ## what one needs while working, in two minutes: style, types, the core's codecs, a slice of the tests
	@$(BIN)/python scripts/check.py --quick

coverage: prepare-test $(VENV)/.dev $(VENV)/.coverage $(VENV)/.core ## which lines and branches no test reaches, of Python and of the core (ONLY=core or ONLY=python; TESTS="tests/unit …" for some)
	@$(BIN)/python scripts/covered.py $(if $(ONLY),--only $(ONLY)) $(TESTS)

conformance: $(VENV)/.core ## Autobahn's test suite against a raw socket and the Python client, with Python 2.7 (PYTHON27=… names one; QUICK=1 without compression)
	@$(BIN)/python -m tests.conformance $(if $(QUICK),--quick)

firefox: $(VENV)/.core ## the main scenarios of the browser's client in Firefox (Debian's firefox-esr, or FIREFOX=…), over WebDriver BiDi
	@npm install --silent --no-save --ignore-scripts --prefix target/firefox puppeteer-core@24.29.1
	@PYTHON=$(BIN)/python node --test tests/e2e/firefox.mjs

breaks: $(VENV)/.core node_modules/.package-lock.json ## 1,000 events a second to a page in Chromium for a minute, with five cuts (SECONDS=…)
	@PYTHON=$(BIN)/python BREAKS_SECONDS=$(or $(SECONDS),60) node --test --test-name-pattern "five cuts" tests/e2e/client.test.mjs

bench: $(VENV)/.core peers ## rtcore against a bare epoll loop and beside other servers, half an hour (bench-scenes, bench-peers for a part)
	@$(MAKE) --no-print-directory --keep-going bench-scenes bench-peers; status=$$?; $(PEERS)/bin/python bench/plots.py; exit $$status

bench-scenes: $(VENV)/.core
	@cargo build --release --locked --quiet -p rtcore-bench
	@$(BIN)/python -m bench $(SCENES)

bench-pairs: $(VENV)/.core ## what a change costs: BEFORE=another checkout, built; SCENES= for some
	@test -n "$(BEFORE)" || { echo 'say BEFORE=DIR, a checkout of an older commit in which `make build` was done'; exit 2; }
	@cargo build --release --locked --quiet -p rtcore-bench
	@$(BIN)/python -m bench.pairs $(BEFORE) $(SCENES)

peers: prepare ## install and build the servers that rtcore is compared with; what fails is named and left out
	@$(PYTHON) -m bench.peers --install

count: $(VENV)/.core ## how many instructions a message costs, by valgrind (BEFORE=another checkout, built; SCENES= for some)
	@cargo build --release --locked --quiet -p rtcore-bench
	@$(BIN)/python -m bench.count $(if $(BEFORE),--before $(BEFORE)) $(SCENES)

bench-peers: $(VENV)/.core
	@cargo build --release --locked --quiet -p rtcore-bench
	@$(BIN)/python -m bench.compare $(ONLY_PEERS)

bench-calm: $(VENV)/.dev $(VENV)/.core ## how much longer a message takes while the server is attacked than in calm
	@$(BIN)/python -m bench.calm

profile: $(VENV)/.core ## where the time of one scene goes, by perf (SCENE=echo)
	@cargo build --release --locked --quiet -p rtcore-bench
	@$(BIN)/python -m bench --profile $(or $(SCENE),echo)

soak: $(VENV)/.core ## a mixed load for ten minutes, and whether memory stays flat (MINUTES=…)
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),10)

wheel: $(VENV)/.wheel ## a wheel for this platform and a source distribution, in dist/
	@$(BIN)/python -m scripts.wheel build

wheel-check: $(VENV)/.dev $(VENV)/.wheel ## build them, and use them as a user would, with each Python that is here
	@$(BIN)/python -m scripts.wheel check

fuzz: prepare ## throw random input at every parser and at the engine, a minute each (SECONDS_EACH=… TARGET=… SEED=…)
	@$(PYTHON) scripts/fuzz $(TARGET) $(if $(SECONDS_EACH),--seconds $(SECONDS_EACH)) $(if $(SEED),--seed $(SEED))

docs: $(VENV)/.docs $(VENV)/.core ## write the generated pages again, and build the site with search into target/site
	@$(BIN)/python scripts/reference.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "target/site/index.html: open it, or serve it:  $(BIN)/python -m http.server -d target/site"

lock: ## resolve the lock files again (needs uv)
	@scripts/lock

clean: ## remove what was built, and the virtual environment
	rm -rf $(VENV) target node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f python/rtcore/_core*.so

prepare:
	@scripts/prepare run

prepare-test:
	@scripts/prepare test

# Stamps. Each step is done once, and again when what it is made from has changed.
$(VENV)/bin/pip: | prepare
	@echo "making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt | $(VENV)/bin/pip
	@echo "installing pinned packages"
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.run
	@echo "installing the pinned packages of the checks"
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.wheel: requirements/wheel.txt | $(VENV)/.run
	@echo "installing the pinned packages that make wheels"
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.docs: requirements/docs.txt | $(VENV)/.run
	@echo "installing the pinned packages that make the site"
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.coverage: requirements/coverage.txt | $(VENV)/.dev
	@echo "installing the pinned package that measures coverage"
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.core: $(RUST) pyproject.toml $(VENV)/.run
	@echo "building the native core (the first time takes a minute or two)"
	@$(BUILDING) $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.package-lock.json: package-lock.json js/package.json | prepare-test
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --silent; else mkdir -p node_modules; fi
	@touch $@
