# Everything here also works without make: the recipes are plain commands.

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

# What keeps the tables of commands in docs/correctness.md, and the store that
# they ran on.
FIGURES       := $(GO_LOCAL) run ./proof/figures
LOCAL_VERSION  = $(shell sed -n '/DynamoDBLocal/,/version/s:.*<version>\(.*\)</version>.*:\1:p' local/dynamodb/pom.xml)
DYNAMODB       = $(or $(DYNAMODB_ENDPOINT),DynamoDB Local $(LOCAL_VERSION))

# What a deployed bootstrap is built with. lambda.norpc leaves out net/rpc,
# which alone costs 7 MB.
GO_BUILD  := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w -buildid='
SAM_BUILD := CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='" $(BIN)/sam build

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## the whole system on this machine, until Ctrl-C; AUTH=none, jwt or iam; PARAMETERS="Name=value …" of the template
	@$(GO_LOCAL) build -o ../.cache/bin/coldfuse-local ./cmd/coldfuse-local
	@exec .cache/bin/coldfuse-local run -auth $(AUTH) $(PARAMETERS:%=-parameter %)

.PHONY: demo
demo: ## plays an outage of Jira on this machine and checks each step, about a minute
	@$(GO_LOCAL) build -o ../.cache/bin/coldfuse-local ./cmd/coldfuse-local
	@exec .cache/bin/coldfuse-local demo

# Go's cache of results does not see changes outside the module local/: of the
# template, the events and the functions.
.PHONY: test
test: deps ## all tests of both modules, with the race detector
	go test -race ./...
	$(GO_LOCAL) test -race -p 1 -count=1 ./...

.PHONY: ci
ci: ## what has to pass before a change lands
	@scripts/ci.sh doctor deps check lint test prove demo api sizes vulns

.PHONY: check
check: ## format, vet and staticcheck
	@unformatted=$$(gofmt -l *.go cmd functions internal local pkg); \
	if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted" >&2; exit 1; fi
	go vet ./...
	$(GO_LOCAL) vet ./...
	go $(STATICCHECK) ./...
	$(GO_LOCAL) $(STATICCHECK) ./...

.PHONY: lint
lint: deps ## the template and what belongs to it
	$(BIN)/sam validate --lint
	$(BIN)/cfn-lint template.yaml
	$(BIN)/python scripts/template_test.py --buffer

# Each part writes its block of docs/correctness.md, if it passes.
.PHONY: prove
prove: ## what tries to break the breaker, some minutes; writes docs/correctness.md
	@began=$$(date +%s); scripts/ci.sh explore mutate races coverage stories && \
		echo "make prove: $$(($$(date +%s) - began)) s"

.PHONY: explore
explore:
	$(FIGURES) -block exploration -by 'make prove' -- \
		go test ./pkg/breaker -run 'TestExplore$$' -count=1 -v -explore.level=2 -timeout 20m

.PHONY: mutate
mutate: ## plants bugs in the breaker, each of which must be found; writes docs/correctness.md
	$(FIGURES) -block 'planted bugs' -by 'make mutate' -- python3 -B scripts/mutate/mutate.py

.PHONY: gremlins
gremlins: ## changes the breaker operator by operator, which its rules must notice; seven minutes
	@scripts/gremlins.sh

.PHONY: races
races:
	$(FIGURES) -block races -by 'make prove' -with '$(DYNAMODB)' -passed 'ten times with the race detector' -- \
		go test -race -count=10 -skip 'Simulat|Explor' ./pkg/...

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
chaos: ## random faults on fifty processes for CHAOS_SECONDS (90); writes docs/correctness.md
	CHAOS_SECONDS=$(CHAOS_SECONDS) $(FIGURES) -block chaos -by 'make chaos' -with '$(DYNAMODB)' -- \
		go -C local test -count=1 -timeout 2h -v ./proof/chaos

.PHONY: simulate
simulate: ## fleets of up to 10,000 environments; writes docs/simulation
	go test ./pkg/breaker -run 'TestSimulate$$' -count=1 -simulate.write -timeout 1h

.PHONY: api
api: deps ## property-based tests of the API by its description, against the local stack
	@scripts/schemathesis.sh

.PHONY: build
build: ## deployment packages for arm64 in build/
	@for f in $(FUNCTIONS); do \
		GOOS=linux GOARCH=arm64 $(GO_BUILD) -o build/$$f/bootstrap ./functions/$$f || exit 1; \
	done
	@python3 scripts/package.py $(FUNCTIONS:%=build/%)

.PHONY: sizes
sizes: build ## the packages' sizes against their budgets
	@$(GO_LOCAL) run ./proof/bench -only packages

.PHONY: deploy
deploy: deps ## sam build and sam deploy to STAGE (dev, prod)
	$(SAM_BUILD) --config-env $(STAGE)
	$(BIN)/sam deploy --config-env $(STAGE)

.PHONY: indexes
indexes: ## makes MongoDB's indexes; needs MONGODB_URI
	@go run ./cmd/indexes

.PHONY: bench
bench: build ## measures what is promised, writes docs/benchmarks.md
	$(GO_LOCAL) run ./proof/bench

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME (10s)
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: vulns
vulns: ## known vulnerabilities, where their database can be reached
	@scripts/vulnerabilities.sh

.PHONY: deps
deps: doctor ## fetches what lint and tests need into .cache/
	@python3 scripts/venv.py

.PHONY: doctor
doctor: ## names what is missing on this machine
	@scripts/doctor.sh

.PHONY: clean
clean: ## removes what was built and fetched
	rm -rf build .aws-sam .cache local/dynamodb/lib local/mongodb/lib
