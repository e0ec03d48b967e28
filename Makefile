# The whole of it: `make help`. Nothing here is needed to run: `go run ./cmd/leadwire demo`.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

# A test that hangs says where after 14 minutes; the whole run takes less than 15 on two cores.
TEST_TIMEOUT ?= 14m
# `make chaos`: rounds of this length, from this seed on; 0 nodes: 3 to 5, by the seed. A seed alone is one round.
CHAOS_ROUNDS ?= $(if $(SEED),1,30)
CHAOS_LENGTH ?= 60s
CHAOS_NODES ?= 0
# How long `make fuzz` stays with each fuzz test.
FUZZ_TIME ?= 20s
GOLANGCI ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
BUF ?= github.com/bufbuild/buf/cmd/buf@v1.75.0

.PHONY: help
help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# SQLite is C that was translated into Go. To watch each of its loads for races makes tests of the embedded store six times
# as slow, and could find nothing of ours: it runs under locks of its own. Its driver is watched like everything else.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc modernc.org/memory

.PHONY: build
build: ## The binary, as ./leadwire
	go build -trimpath -o leadwire ./cmd/leadwire

# Vetting with -race needs nothing built that the tests do not need. Three packages at a time keep two processors busy: most of a
# test is waiting for a process, a browser or a disk.
.PHONY: test
test: export GOFLAGS += $(foreach package,$(UNWATCHED),-gcflags=$(package)=-race=false)
test: ## Everything: vet, and every test with the race detector, on real Postgres and Chromium
	@.ci/parts
	go vet -race ./... ./.ci/report
	go test -json -race -p 3 -timeout $(TEST_TIMEOUT) ./... | go run ./.ci/report

.PHONY: test-fast
test-fast: ## What needs nothing but Go, without the race detector (-short)
	go test -short ./...

.PHONY: lint
lint: ## golangci-lint; .golangci.yml gives a reason for each rule that is off
	go run $(GOLANGCI) run ./...

.PHONY: bench
bench: build ## The figures of the README, on this machine
	./leadwire bench crm --rate 1000 --duration 20s --buyers 100 --repeat 5 --require 'sse.p95<25ms,ack.p99<10ms,store.round_trips_per_lead<=1.5,lost=0'
	./leadwire bench crm --rate 5000 --duration 60s --buyers 100 --repeat 5 --require 'sse.p95<250ms,lost=0'
	./leadwire bench pixel --rate 10000 --batch 5 --duration 20s --repeat 3 --require 'ack.p99<50ms,first_matches.lost=0,first_matches.repeated=0'
	./leadwire bench pixel --endpoints 1 --known 1 --rate 1000 --visitors 65000 --people 65000 --duration 60s --repeat 5 --require 'delivered.p95<30ms,store.round_trips_per_delivered<=1.5,deliveries.lost=0'
	./leadwire bench pixel --endpoints 1 --known 1 --rate 3000 --visitors 195000 --people 195000 --duration 60s --repeat 5 --require 'deliveries.rate>=2900/s,store.round_trips_per_delivered<=0.5,deliveries.lost=0'
	./leadwire bench isolation --repeat 5 --require 'healthy_p95_ratio<=1.2,healthy.lost=0,deliveries.repeated=0'
	./leadwire bench backlog --require 'drain.rate_share>=90%,drain.lost=0,others_p95_ratio<=1.2,others.lost=0'
	./leadwire bench ramp --repeat 3 --require 'collapse>=0.8,failed=0,recovered.seconds<=10s,deliveries.lost=0'
	./leadwire bench idle --connections 10000 --repeat 3 --require 'rss_per_connection<8KiB'
	./leadwire bench crm --rate 1000 --duration 20s --buyers 100 --repeat 5 --store postgres
	./leadwire bench pixel --rate 1000 --swaps 10 --duration 50s --repeat 3 --require 'ack.p99<20ms,swap.added<10ms,first_matches.lost=0,first_matches.repeated=0'
	./leadwire bench failover --nodes 3 --require 'recovery.p50<3s,recovery.max<6s,stuck=0,lost=0,doubled=0,rolling.failed=0,rolling.p95_ratio<=5,join.moved_ratio<=1.2,cluster.cost<=15%'

.PHONY: chaos
chaos: ## Clusters under load whose nodes, links, clocks and store fail by a seed (SEED=17 for one round); needs root
	CHAOS_ROUNDS=$(CHAOS_ROUNDS) CHAOS_SEED=$(or $(SEED),1) CHAOS_LENGTH=$(CHAOS_LENGTH) CHAOS_NODES=$(CHAOS_NODES) \
		go test -count=1 -v -timeout 6h -run '^TestChaos$$' ./cmd/leadwire/e2e/chaos

.PHONY: fuzz
fuzz: ## Each fuzz test for FUZZ_TIME (20s)
	@set -e; for package in $$(go list ./...); do \
		for name in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "fuzz $$package $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZ_TIME) $$package; \
		done; \
	done

.PHONY: generate
generate: ## The protobuf messages between nodes, and docs/configuration.md
	GOBIN=$(CURDIR)/.cache/bin go install $(BUF)
	GOBIN=$(CURDIR)/.cache/bin go install google.golang.org/protobuf/cmd/protoc-gen-go
	@set -e; for file in $$(git ls-files '*buf.gen.yaml'); do \
		echo "generate $$(dirname $$file)"; \
		(cd $$(dirname $$file) && PATH=$(CURDIR)/.cache/bin:$$PATH buf generate); \
	done
	go test ./cmd/leadwire -run '^TestConfigurationPage$$' -update
