# The recipes are plain commands and work without make too.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
export SAM_CLI_TELEMETRY = 0

GO_LOCAL    := go -C local
STATICCHECK := run honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN         := .cache/venv/bin
FUNCTIONS   := $(notdir $(wildcard functions/*))
FUZZTIME    ?= 10s
STAGE       ?= dev
AUTH        ?= none
CHAOS_SECONDS ?= 90

# FIGURES writes the table of a command into docs/correctness.md; DYNAMODB names
# the store that the command ran on.
FIGURES       := $(GO_LOCAL) run ./proof/figures
LOCAL_VERSION  = $(shell sed -n '/DynamoDBLocal/,/version/s:.*<version>\(.*\)</version>.*:\1:p' local/dynamodb/pom.xml)
DYNAMODB       = $(or $(DYNAMODB_ENDPOINT),DynamoDB Local $(LOCAL_VERSION))

# How a deployed bootstrap is built. lambda.norpc leaves out net/rpc, which
# alone adds 7 MB.
GO_BUILD  := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w -buildid='
SAM_BUILD := CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='" $(BIN)/sam build

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## run the whole system on this machine, until Ctrl-C; AUTH=none, jwt or iam; PARAMETERS="Name=value …" of the template
	@$(GO_LOCAL) build -o ../.cache/bin/coldfuse-local ./cmd/coldfuse-local
	@exec .cache/bin/coldfuse-local run -auth $(AUTH) $(PARAMETERS:%=-parameter %)

.PHONY: demo
demo: ## play an outage of Jira on this machine and check each step, about a minute
	@$(GO_LOCAL) build -o ../.cache/bin/coldfuse-local ./cmd/coldfuse-local
	@exec .cache/bin/coldfuse-local demo

# -count=1 since Go's cache of test results does not see changes outside the
# module local/, such as those of the template, the events and the functions.
.PHONY: test
test: deps ## run all tests of both modules, with the race detector
	go test -race ./...
	$(GO_LOCAL) test -race -p 1 -count=1 ./...

.PHONY: ci
ci: ## run all that has to pass before a change lands
	@EXPLORE_LEVEL=1 scripts/ci.sh doctor deps check lint test prove demo api sizes vulns

.PHONY: check
check: ## check format, vet and staticcheck
	@unformatted=$$(gofmt -l *.go cmd functions internal local pkg); \
	if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted" >&2; exit 1; fi
	go vet ./...
	$(GO_LOCAL) vet ./...
	go $(STATICCHECK) ./...
	$(GO_LOCAL) $(STATICCHECK) ./...

.PHONY: lint
lint: deps ## check the template and what refers to it
	$(BIN)/sam validate --lint
	$(BIN)/cfn-lint template.yaml
	$(BIN)/python scripts/template_test.py --buffer

# Each part that passes writes its block of docs/correctness.md.
.PHONY: prove
prove: ## try to break the breaker, a few minutes; writes docs/correctness.md
	@began=$$(date +%s); scripts/ci.sh explore mutate races coverage stories && \
		echo "make prove: $$(($$(date +%s) - began)) s"

# Schedules of level 2 take three minutes; CI goes through those of level 1.
EXPLORE_LEVEL ?= 2
.PHONY: explore
explore:
	$(FIGURES) -block exploration -by 'make prove' -- \
		go test ./pkg/breaker -run 'TestExplore$$' -count=1 -v -explore.level=$(EXPLORE_LEVEL) -timeout 20m

.PHONY: mutate
mutate: ## plant bugs in the breaker; every one must be found; writes docs/correctness.md
	$(FIGURES) -block 'planted bugs' -by 'make mutate' -- python3 -B scripts/mutate/mutate.py

.PHONY: gremlins
gremlins: ## change each operator of the breaker; its tests must notice; seven minutes
	@scripts/gremlins.sh

.PHONY: races
races:
	$(FIGURES) -block races -by 'make prove' -with '$(DYNAMODB)' -passed 'ten times with the race detector' -- \
		go test -race -count=10 -skip 'Simulat|Explor|Walk' ./pkg/...

.PHONY: coverage
coverage:
	@mkdir -p .cache
	go test -skip 'Simulat|Explor' -coverprofile .cache/cover.out ./pkg/breaker
	$(FIGURES) -block coverage -by 'make prove' -- \
		go -C local run ./proof/covered ../.cache/cover.out pkg/breaker/machine.go

.PHONY: stories
stories:
	$(FIGURES) -block stories -by 'make prove' -with '$(DYNAMODB)' -- \
		go -C local test ./proof/properties -count=1 -v -run 'Circuit|Caches|Stories|Linearizable|Histories|Goroutine|Nothing'

.PHONY: chaos
chaos: ## disturb fifty processes at random for CHAOS_SECONDS (90); writes docs/correctness.md
	CHAOS_SECONDS=$(CHAOS_SECONDS) $(FIGURES) -block chaos -by 'make chaos' -with '$(DYNAMODB)' -- \
		go -C local test -count=1 -timeout 2h -v ./proof/chaos

.PHONY: simulate
simulate: ## simulate fleets of up to 10,000 environments; writes docs/simulation
	go test ./pkg/breaker -run 'TestSimulate$$' -count=1 -simulate.write -timeout 1h

.PHONY: api
api: deps ## test the local stack with random requests made from openapi.yaml
	@scripts/schemathesis.sh

.PHONY: build
build: ## build the deployment packages for arm64 in build/
	@for f in $(FUNCTIONS); do \
		GOOS=linux GOARCH=arm64 $(GO_BUILD) -o build/$$f/bootstrap ./functions/$$f || exit 1; \
	done
	@python3 scripts/package.py $(FUNCTIONS:%=build/%)

.PHONY: sizes
sizes: build ## compare the packages' sizes with their budgets
	@$(GO_LOCAL) run ./proof/bench -only packages

.PHONY: deploy
deploy: deps ## run sam build and sam deploy to STAGE (dev, prod)
	$(SAM_BUILD) --config-env $(STAGE)
	$(BIN)/sam deploy --config-env $(STAGE)

.PHONY: indexes
indexes: ## create MongoDB's indexes; needs MONGODB_URI
	@go run ./cmd/indexes

.PHONY: bench
bench: build ## measure what is promised; writes docs/benchmarks.md
	$(GO_LOCAL) run ./proof/bench

.PHONY: figures
figures: ## print the size of the code by part; REV=… of a revision; CI_LOG=… with the seconds of a log of make ci
	@go run ./internal/house/codesize -rev '$(REV)' -ci-log '$(abspath $(CI_LOG))'

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZTIME (10s)
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: vulns
vulns: ## look for known vulnerabilities, if their database can be reached
	@scripts/vulnerabilities.sh

.PHONY: deps
deps: doctor ## fetch what lint and tests need into .cache/
	@python3 scripts/venv.py

.PHONY: doctor
doctor: ## name what is missing on this machine
	@scripts/doctor.sh

.PHONY: clean
clean: ## remove what was built and fetched
	rm -rf build .aws-sam .cache local/dynamodb/lib local/mongodb/lib
