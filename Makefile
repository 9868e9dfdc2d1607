# make          everything that needs no other program: build, lint, test, race
# make conformance  the suite against the simulator, as a build server runs it; needs xmllint
# make peers    tests against programs of others (see conformance/peers/doc.go for the packages)
# make cuts     a sign-in cut off at every byte, in every way
# .ci/run       all of it on a bare machine

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# Tools are built from the module proxy, once a version, into ./bin, which git ignores.
GOFUMPT      := bin/gofumpt@v0.12.0/gofumpt
STATICCHECK  := bin/staticcheck@v0.8.2/staticcheck
GOLANGCILINT := bin/golangci-lint@v2.15.0/golangci-lint

# How long each fuzz target runs, and which benchmarks do.
FUZZTIME ?= 10s
BENCH    ?= .

.PHONY: all build test race cuts conformance lint fuzz peers bench docs

all: build lint test race

build:
	go build -o bin/ocs ./cmd/ocs

# The limits are for a test that hangs; all of them together take about a minute.
test:
	go test -timeout 2m ./...

race:
	go test -timeout 5m -race ./...

# A sign-in whose peer is cut off at every byte, in every way: a minute on two cores.
cuts:
	go test -timeout 10m -count=1 -run 'CutOff' -v ./signin -every-cut | grep -v '^=== '

# Half a minute: the limits that cases wait for are never shortened.
conformance: build
	report=$$(mktemp); trap 'rm -f "$$report"' EXIT; \
	bin/ocs conformance run --output junit >"$$report" || { grep -B1 -A4 -E '<(failure|error) ' "$$report"; exit 1; }; \
	xmllint --nonet --noout --schema conformance/report/testdata/junit.xsd "$$report"; \
	status=0; bin/ocs conformance run disc/nonsense || status=$$?; \
	if (( status != 2 )); then echo "conformance run disc/nonsense: exit $$status, not 2"; exit 1; fi

# The peer tests are linted too. golangci-lint runs only what vet and staticcheck do not (.golangci.yml).
lint: $(GOFUMPT) $(STATICCHECK) $(GOLANGCILINT)
	@unformatted=$$($(GOFUMPT) -l .); \
	if [[ -n $$unformatted ]]; then printf 'not formatted, run gofumpt -w:\n%s\n' "$$unformatted"; exit 1; fi
	go mod tidy -diff
	go vet -tags peers ./...
	$(STATICCHECK) -tags peers ./...
	$(GOLANGCILINT) run

# Every fuzz target of every package, one after the other.
fuzz:
	go test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ { target[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, target[i]; n = 0 }' | \
	while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$package" </dev/null; \
	done

peers:
	go test -timeout 5m -tags peers -count=1 -v ./conformance/peers/...

bench:
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

# Writes the generated pages of docs/ anew; the same tests check them without -update.
docs:
	go test ./errors -update
	go test ./conformance/cases -update

$(GOFUMPT):
	GOBIN=$(CURDIR)/$(@D) go install mvdan.cc/$(patsubst bin/%/,%,$(dir $@))

$(STATICCHECK):
	GOBIN=$(CURDIR)/$(@D) go install honnef.co/go/tools/cmd/$(patsubst bin/%/,%,$(dir $@))

# About two minutes on two cores.
$(GOLANGCILINT):
	GOBIN=$(CURDIR)/$(@D) go install github.com/golangci/golangci-lint/v2/cmd/$(patsubst bin/%/,%,$(dir $@))
