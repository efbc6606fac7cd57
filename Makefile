# Sluice. "make help" lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Tools are pinned here and built into .bin; a stamp for each version says that
# it is there.
BIN := $(CURDIR)/.bin
TOOLS := \
	buf=github.com/bufbuild/buf/cmd/buf@v1.75.0 \
	protoc-gen-go=google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12 \
	protoc-gen-go-grpc=google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0 \
	gofumpt=mvdan.cc/gofumpt@v0.12.0 \
	golangci-lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 \
	opa=github.com/open-policy-agent/opa@v1.22.2 \
	grpcurl=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3

# stamp,name: the stamp file of a tool
stamp = $(BIN)/.$(1)-$(lastword $(subst @, ,$(filter $(1)=%,$(TOOLS))))
ALL_STAMPS = $(foreach t,$(TOOLS),$(call stamp,$(firstword $(subst =, ,$(t)))))

$(BIN)/.%:
	@name="$*"; name="$${name%-v*}"; \
	for t in $(TOOLS); do [ "$${t%%=*}" = "$$name" ] && package="$${t#*=}"; done; \
	echo "building $$name"; GOBIN=$(BIN) go install "$$package"; touch "$@"

FUZZTIME ?= 20s
GO_FILES = $(shell git ls-files '*.go' | grep -v '^gen/')


.PHONY: help demo tour build test e2e screenshots services down chaos simulate mutants check gen lint fuzz bench tools clean

help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-11s %s\n", $$1, $$2}'

demo: build ## start everything here, take the tour, stay up until Ctrl-C
	@bin/sluice demo

tour: build ## start everything here, take the tour, exit 0 if it all came out right
	@bin/sluice tour

build: ## build bin/sluice
	@go build -o bin/sluice ./cmd/sluice

test: check ## check everything and run all tests, with the race detector
	@deploy/node.sh && deploy/chromium.sh
	@deploy/services.sh up > .services.env
	@trap 'deploy/services.sh down; rm -f .services.env' EXIT; \
	. ./.services.env && export SLUICE_TEST_ALL=1 && \
	go test -race -count=1 -timeout 15m ./...
	$(MAKE) --no-print-directory chaos FOR=2s SHORT=1

e2e: ## test the built program from outside: public client libraries, a real browser
	@deploy/node.sh && deploy/chromium.sh
	@SLUICE_TEST_ALL=1 go test -count=1 -timeout 10m ./e2e ./e2e/pages

screenshots: ## write pictures of every page, phone and desktop, light and dark, to screenshots/
	@deploy/node.sh && deploy/chromium.sh
	@rm -rf screenshots
	@SLUICE_TEST_ALL=1 SLUICE_SCREENSHOTS="$(CURDIR)/screenshots" go test -count=1 ./e2e/pages -run TestEveryPageIsAccessible
	@find screenshots -name '*.png' | wc -l

services: ## start PostgreSQL, Redis and a Redis Cluster for tests here; "make down" stops them
	@deploy/services.sh up

down: ## stop what "make services" started
	@deploy/services.sh down

check: lint ## contract, rules, generated code, formatting, lint; no tests
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking proto --against proto/baseline.binpb
	$(MAKE) --no-print-directory gen
	@test -z "$$(git status --porcelain gen)" || { git status --short gen; echo "gen/ is not what \"make gen\" makes of proto/; commit it"; exit 1; }
	$(BIN)/opa check --strict policy/rules
	@test -z "$$($(BIN)/opa fmt --list policy/rules)" || { $(BIN)/opa fmt --diff policy/rules; exit 1; }
	$(BIN)/opa test --coverage --threshold 100 --format json policy/rules | tail -n 5

gen: $(call stamp,buf) $(call stamp,protoc-gen-go) $(call stamp,protoc-gen-go-grpc) ## make gen/ from proto/ anew
	rm -rf gen
	$(BIN)/buf generate

lint: tools
	go vet ./...
	$(BIN)/golangci-lint run
	@test -z "$$($(BIN)/gofumpt -l $(GO_FILES))" || { $(BIN)/gofumpt -d $(GO_FILES); exit 1; }

# ONLY picks cells by fault, workload or fault×workload; REPEAT runs each more often.
SEED ?= 0
FOR ?= 3s
chaos: ## break three replicas in every way (SEED=, FOR=3s, ONLY=fault or workload,…)
	@go build -tags mutants -o bin/sluice-mutants ./cmd/sluice
	@go build -o bin/chaos ./e2e/chaos
	@deploy/services.sh install
	@bin/chaos -seed $(SEED) -for $(FOR) -only "$(ONLY)" -repeat $(or $(REPEAT),1) $(if $(SHORT),-short)

SCHEDULES ?= 10000
simulate: ## run the replicas' protocol on simulated schedules (SCHEDULES=10000, SEED=1)
	@go test ./consent/barrier -run TestSimulation -count=1 -v -timeout 20m -schedules $(SCHEDULES) -seed $(if $(filter-out 0,$(SEED)),$(SEED),1)

mutants: ## plant faults one at a time, and see each caught (ONLY=names of faults)
	@deploy/services.sh up > .services.env
	@trap 'deploy/services.sh down; rm -f .services.env' EXIT; \
	. ./.services.env && export SLUICE_TEST_ALL=1 && go run ./e2e/mutants $(ONLY)

fuzz: ## run each fuzz target for FUZZTIME (20s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do \
		grep -oE '^func Fuzz[A-Za-z]+' "$$file" | awk '{print $$2}' | while read -r name; do \
			echo "$$name"; go test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME); \
		done; \
	done

# GRANTS is how many are many, for looking them up.
GRANTS ?= 1000000
bench: build ## measure pulls against a bare pass-through, revokes, feeds, look-ups (GRANTS=1000000)
	@go run ./bench -sluice bin/sluice
	@go build -o bin/chaos ./e2e/chaos && bin/chaos -sluice bin/sluice -latency
	@deploy/services.sh up > .services.env
	@trap 'deploy/services.sh down; rm -f .services.env' EXIT; . ./.services.env && \
	go run ./bench feeds -sluice bin/sluice && \
	go run ./bench lookup -grants $(GRANTS) && \
	go test ./consent/grantcache -run '^$$' -bench . -benchtime 1x -grants $(GRANTS) | grep -E '^Bench' && \
	go test ./feed/feeddb -run '^$$' -bench PublishByConsents -benchtime 1x -timeout 60m -grants $(GRANTS) | grep -E '^Bench'
	@go test ./policy ./gateway/fields ./disclosure/logdb ./consent/grantdb -run '^$$' -bench . | grep -E '^(pkg|Bench)'

tools: $(ALL_STAMPS)

clean:
	rm -rf bin .bin dist
