# Every target sets itself up: the first one run installs the pinned dependencies (Bun among them) into
# node_modules. `make` alone lists the targets.

BUN_VERSION := $(shell sed -n 's/^ *"bun": "\([0-9.]*\)".*/\1/p' package.json)
BUN := node_modules/.bin/bun
STAMP := node_modules/.set-up
# Biome colours its output even when nobody sees it.
BIOME := $(BUN) node_modules/@biomejs/biome/bin/biome
COLORS := $(if $(MAKE_TERMOUT),,--colors=off)
# Process tests start servers: Bun's own limit of 5 s is short on a busy two-core machine.
TEST := $(BUN) test --no-orphans --timeout 30000
SOURCES := $(shell find src web schemas -type f ! -name '*.test.ts' 2>/dev/null) build.ts package.json

# Tests: a pattern or a file, for `make test T=resp`.
T ?=
# Fuzzing: `make fuzz F=parser SECONDS=60 SEED=1`.
F ?=
SECONDS ?= 30
SEED ?=
# Micro-benchmarks: `make bench-micro B=parser`.
B ?=

# The engine's own suite: tables on the terminal, the same as JSON and as a page.
PERF = ./kv bench engine --suite $(1) $(2) --out perf-$(1).json --out perf-$(1).html

.DEFAULT_GOAL := help
.PHONY: help build demo test check format coverage bench-micro fuzz torture generate release clean \
  perf-quick perf-threads perf-concurrency perf-demo performance

help:  ## Show the targets
	@echo "make <target>:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

build: kv  ## Build the executable ./kv

demo: kv  ## Compare the server with what is installed here: tables, and pages for a browser; ends by itself
	@scripts/demo

test: kv  ## Run all tests (make test T=resp: those whose path contains "resp")
	$(TEST) $(T)

check: $(STAMP)  ## Format, lint, types and the tidy test: the gate of every commit
	$(BIOME) ci $(COLORS) --error-on-warnings .
	$(BUN) node_modules/typescript/bin/tsc
	$(TEST) ./test/tidy.test.ts

format: $(STAMP)  ## Format the sources in place
	$(BIOME) check $(COLORS) --write .

coverage: kv  ## Run all tests with coverage: a table, and coverage/lcov.info
	$(TEST) --coverage --coverage-reporter=text --coverage-reporter=lcov $(T)

bench-micro: $(STAMP)  ## Run the micro-benchmarks beside the code (make bench-micro B=parser)
	$(BUN) scripts/bench-micro.ts $(B)

fuzz: $(STAMP)  ## Run the fuzzers (make fuzz F=parser SECONDS=60 SEED=1)
	$(BUN) scripts/fuzz.ts --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(F)

perf-quick: kv  ## Measure the store in process: the core cases (20 s)
	$(call PERF,quick,--duration 300ms)

perf-threads: kv  ## Measure the store in process on 1 to 32 Workers
	$(call PERF,threads,--duration 1s)

perf-concurrency: kv  ## Measure the store in process with 50 to 1,000 tasks
	$(call PERF,concurrency,--duration 1s)

perf-demo: kv  ## Watch the store being measured, live
	./kv bench engine --suite quick --show

performance: kv  ## Measure the store in process: every case, three times (10 min)
	$(call PERF,full,--duration 2s --runs 3)

generate: $(STAMP)  ## Generate schemas/gen from the schemas (needs protoc and flatc: scripts/install-peers)
	@scripts/generate

torture: kv  ## Crash and damage the store, at full size: 100 min (make torture T=A1,B1 SEED=1: some of it)
	$(BUN) test/torture/all.ts $(if $(SEED),--seed=$(SEED)) $(if $(T),--only=$(T))

release: $(STAMP)  ## Build for every platform into dist/, with SHA256SUMS
	$(BUN) scripts/release.ts

clean:  ## Remove what was built and installed
	rm -rf kv kv.exe dist coverage node_modules

kv: $(STAMP) $(SOURCES)
	$(BUN) build.ts

$(STAMP): package.json bun.lock scripts/set-up
	@scripts/set-up "$(BUN_VERSION)" $@
