# Everything here sets itself up: see scripts/setup.sh.
# Arguments: make test ARGS="--filter pause"; make dev FILE=documents.json PROCESSOR=module:mine.js
# (make hands variables of its command line on in the environment, where the programs read them).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
RUN := sh scripts/with_tools.sh --no-mongod deno task --quiet
RUN_WITH_MONGOD := sh scripts/with_tools.sh deno task --quiet
# The agent that `make dev` runs.
DEV_AGENT := HEALTH_DIR="$(CURDIR)/.tools/dev/health" CONTROL_FILE="$(CURDIR)/.tools/dev/control/state" $(RUN) agent

DOCKER ?= docker
IMAGE ?= pulling-agent:latest
KUBECTL ?= kubectl
KUBECTL_HERE = $(KUBECTL) $(if $(CONTEXT),--context $(CONTEXT)) $(if $(NAMESPACE),--namespace $(NAMESPACE))
CONTROL_AGENT = KUBECTL=$(KUBECTL) sh scripts/control-agent.sh $(if $(CONTEXT),--context $(CONTEXT)) $(if $(NAMESPACE),--namespace $(NAMESPACE)) \
  $(if $(METHOD),--method $(METHOD)) $(if $(TIMEOUT),--timeout $(TIMEOUT))

.PHONY: help setup dev test test-unit test-all test-servers test-compat check build image bench coverage fmt clean clean-all pause resume status agent docker-build docker-run \
  k8s-deploy k8s-pause k8s-resume k8s-status k8s-restart k8s-logs test-k8s

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## Put Deno, mongod and the packages under .tools/ (the other targets do it when needed)
	@sh scripts/setup.sh

dev: ## Run the agent against a MongoDB of its own (FILE= documents, PROCESSOR= what to do; MONGODB_URI= another MongoDB)
	@sh scripts/with_tools.sh --mongod-unless-uri deno task --quiet dev $(ARGS)

test: ## Run the checks and the tests that a change has to pass
	@$(RUN_WITH_MONGOD) test $(ARGS)

test-unit: ## Run the tests that need no build and no MongoDB, in seconds
	@$(RUN) test:unit

test-all: ## Run all the tests, also a soak, the benchmark, the images and two builds
	@$(RUN_WITH_MONGOD) test:all

test-servers: ## Run the tests that touch the server on each MongoDB that is available (ARGS="--ends", ARGS="4.4.2")
	@$(RUN_WITH_MONGOD) test:servers $(ARGS)

test-compat: ## Try what an agent does on a server of yours (COMPAT_URI=mongodb://...)
	@$(RUN) test:compat

check: ## Check types, format, lint, layout and documents
	@$(RUN) check $(ARGS)

build: ## Compile dist/pulling-agent
	@sh scripts/build.sh

image: ## Build the images pulling-agent:latest and pulling-agent:latest-scratch with buildah, Docker Hub or not
	@IMAGE=$(IMAGE) sh scripts/image.sh $(ARGS)

bench: ## Measure the agent beside others, and write docs/performance.md (ARGS="--quick")
	@$(RUN_WITH_MONGOD) bench $(ARGS)

coverage: ## Run the tests and write their coverage as HTML to coverage/html
	@$(RUN_WITH_MONGOD) coverage $(ARGS)

fmt: ## Format the sources
	@$(RUN) fmt $(ARGS)

pause: ## Pause the agent that `make dev` runs
	@$(DEV_AGENT) pause

resume: ## Resume it
	@$(DEV_AGENT) resume

status: ## Show what it is doing
	@$(DEV_AGENT) status $(ARGS)

agent: ## Any command on it, such as ARGS="why order-000008" (`make dev` prints what to export first)
	@$(DEV_AGENT) $(ARGS)

docker-build: ## Build the image (IMAGE=pulling-agent:latest, DOCKER=docker or podman)
	$(DOCKER) build --build-arg COMMIT=$$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown) -t $(IMAGE) .

docker-run: ## Run it on MONGODB_URI, MONGODB_DATABASE and MONGODB_COLLECTION (ARGS="-e BATCH_SIZE=10")
	@for name in MONGODB_URI MONGODB_DATABASE MONGODB_COLLECTION; do \
	  eval "[ -n \"\$${$$name:-}\" ]" || { echo "make docker-run: $$name is not set: export it, or give it as make docker-run $$name=..." >&2; exit 2; }; \
	done
	$(DOCKER) run --rm --name pulling-agent --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --stop-timeout 45 \
	  --add-host host.docker.internal:host-gateway -e MONGODB_URI -e MONGODB_DATABASE -e MONGODB_COLLECTION $(ARGS) $(IMAGE)

# Kubernetes. NAMESPACE= and CONTEXT= say where, else the current ones; METHOD=signal and TIMEOUT= are those of the script.
k8s-deploy: ## Deploy to Kubernetes, the secret mongodb-secret first (NAMESPACE=, CONTEXT=, OVERLAY=dev or production)
	$(KUBECTL_HERE) apply $(if $(OVERLAY),-k k8s/overlays/$(OVERLAY),-f k8s/)
	@$(KUBECTL_HERE) rollout status deployment/pulling-agent --timeout=$(or $(TIMEOUT),180)s || { \
	  echo 'make k8s-deploy: not all pods are ready: see make k8s-status; those of a paused fleet are when it is resumed' >&2; exit 1; }

k8s-pause: ## Pause all agents there; returns once every pod has confirmed
	@$(CONTROL_AGENT) pause

k8s-resume: ## Resume them
	@$(CONTROL_AGENT) resume

k8s-status: ## Show what they are doing
	@$(CONTROL_AGENT) status

k8s-restart: ## Replace every pod
	@$(CONTROL_AGENT) restart

k8s-logs: ## Follow the logs of all of them
	$(KUBECTL_HERE) logs --follow --selector app=pulling-agent --prefix --tail=$(or $(TAIL),100) --max-log-requests=50

test-k8s: ## Test on a cluster (KUBE_CONTEXT= which, never the current one unasked; IMAGE=, TEST_K8S_MONGODB_URI=)
	@sh scripts/test_k8s.sh $(ARGS)

clean: ## Remove what was built
	@rm -rf dist coverage .tools/stage .tools/dev .tools/build.key

clean-all: clean ## Remove what was downloaded too
	@rm -rf .tools
