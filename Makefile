# make demo and make test work on a fresh clone; all they need is Node (20.19 or later) with npm.
.DEFAULT_GOAL := help
.PHONY: help build demo test torture campaign check format generate bench-chain bench-decide bench-dispatch bench-events bench-loop pool pool-down clean

# The batch system: local or htcondor. By default the demo uses local, and torture uses HTCondor if it is available.
BATCH ?=

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

build: ## install what is missing, build the commands
	@sh scripts/set-up.sh

demo: build ## a whole production on this machine, in ./demo (or $$SLURP_DEMO_DIR)
	@BATCH=$(or $(BATCH),local) sh scripts/demo.sh

test: build ## all checks and all tests
	@sh scripts/test.sh

# How long everything is killed at random, and which schedule of faults (else any).
SECONDS ?= 30
SEED ?=

torture: build ## kill processes at random, restart them, check the result (SECONDS, SEED, BATCH)
	@BATCH=$(BATCH) sh scripts/trial.sh torture --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# How many runs a campaign has; each is 11 jobs.
RUNS ?= 100

campaign: build ## loops run a chain of rules whose jobs fail, then everything is compared (RUNS, BATCH)
	@BATCH=$(BATCH) sh scripts/trial.sh campaign --runs $(RUNS)

check: build ## types, lint, format, import floors, dead code, house rules
	@npm run --silent check

format: build ## format all files
	@npm run --silent format

generate: build ## generate the generated pages and the schema dump again
	@npm run --silent generate

bench-decide: build ## how long a decision over a million candidates takes
	@node --import tsx bench/decide.ts
	@node --import tsx bench/cycle.ts

# How often each number of jobs is dispatched.
ROUNDS ?= 3

bench-dispatch: build ## how long dispatches of 1,000 to 100,000 jobs to HTCondor take (ROUNDS)
	@node --import tsx bench/dispatch.ts $(ROUNDS)

bench-chain: build ## from the registration of a file to the next job in the queue of HTCondor
	@node --import tsx bench/chain.ts

bench-events: build ## what an event costs: one more, in groups, over HTTP
	@node --import tsx bench/events.ts

bench-loop: build ## whether a loop leaves memory where it was, over 1,000 cycles
	@node --expose-gc --import tsx bench/loop.ts

pool: ## start a one-machine HTCondor pool by hand (test/pool/README.md)
	@test/pool/start.sh

pool-down: ## stop it
	@test/pool/stop.sh

clean: ## remove what was built and the demo
	@if [ -e demo/slurp.yaml ] && [ -e dist/slurp.cjs ]; then ./bin/slurp down --wait 20s --site demo; fi
	rm -rf dist coverage demo demo-htcondor
