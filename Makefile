# Everything here sets itself up: see scripts/setup.sh.
# Arguments: make test ARGS="--filter pause"; make dev FILE=documents.json PROCESSOR=exec:./mine
# (make hands variables of its command line on in the environment, where the programs read them).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
RUN := sh scripts/with_tools.sh --no-mongod deno task --quiet
RUN_WITH_MONGOD := sh scripts/with_tools.sh deno task --quiet
# The agent that `make dev` runs.
DEV_AGENT := HEALTH_DIR="$(CURDIR)/.tools/dev/health" CONTROL_FILE="$(CURDIR)/.tools/dev/control/state" $(RUN) agent

.PHONY: help setup dev test check build coverage fmt clean clean-all pause resume status

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Put Deno, mongod and the packages under .tools/ (the other targets do it when needed)
	@sh scripts/setup.sh

dev: ## Run the agent against a MongoDB of its own (FILE= documents, PROCESSOR= what to do; MONGODB_URI= another MongoDB)
	@sh scripts/with_tools.sh --mongod-unless-uri deno task --quiet dev $(ARGS)

test: ## Run all the tests
	@$(RUN_WITH_MONGOD) test $(ARGS)

check: ## Check types, format, lint, layout and documents
	@$(RUN) check $(ARGS)

build: ## Compile dist/pulling-agent
	@sh scripts/build.sh

coverage: ## Run the tests and write their coverage as HTML to coverage/html
	@$(RUN_WITH_MONGOD) coverage $(ARGS)

fmt: ## Format the sources
	@$(RUN) fmt $(ARGS)

pause: ## Pause the agent that `make dev` runs
	@$(DEV_AGENT) pause

resume: ## Resume it
	@$(DEV_AGENT) resume

status: ## Show what it is doing
	@$(DEV_AGENT) status

clean: ## Remove what was built
	@rm -rf dist coverage .tools/stage .tools/dev .tools/build.key

clean-all: clean ## Remove what was downloaded too
	@rm -rf .tools
