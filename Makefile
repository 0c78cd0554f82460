# Two commands matter to a newcomer: `make run` and `make test`.
GO          ?= go
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
BUILD_FLAGS := -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
LINT        := v2.15.0
VULN        := v1.9.0
export CGO_ENABLED = 1

.PHONY: run build test web boundaries gazetteer bench check fmt setup e2e screenshots geobench soak bench-page licences release reproduce audit

run: build ## build, load the demo into a new store, open the map on 127.0.0.1:8080
	./bin/sarhad serve

build: ## bin/sarhad; needs Go and a C compiler only
	$(GO) build $(BUILD_FLAGS) -o bin/sarhad ./cmd/sarhad

test: setup check build ## everything that CI runs
	$(GO) test -count=1 -timeout 15m ./...
	cd frontend && npm test
	$(MAKE) audit
	cd frontend && npm run dist-is-current
	$(MAKE) e2e

e2e: build ## browser tests of the built program
	cd frontend && npm run e2e

check: ## format, vet, lint, licences, types; no tests
	@test -z "$$(gofmt -l api cmd data frontend/*.go geo incident)" || { gofmt -l api cmd data frontend/*.go geo incident; echo "run make fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) mod verify >/dev/null
	"$$($(GO) env GOPATH)/bin/golangci-lint" run ./...
	$(GO) run ./cmd/sarhad-parts check
	cd frontend && npm run check

fmt:
	gofmt -w api cmd data frontend/*.go geo incident
	cd frontend && npm run fmt

licences: ## write docs/licences.md again, after a change of what the program is made of
	$(GO) run ./cmd/sarhad-parts list

release: ## release/: tar.gz, Debian package, bill of materials, checksums of the commit that is checked out
	packaging/release.sh

reproduce: ## after make release: the same once more elsewhere, to be the same bytes
	packaging/again.sh

audit: ## known vulnerabilities of what is used, where the databases answer
	VULN=$(VULN) GO="$(GO)" .ci/audit

setup: ## what the tests need beyond Go and a C compiler
	LINT=$(LINT) VULN=$(VULN) GO="$(GO)" .ci/setup

web: ## build the page again (frontend/dist is committed)
	cd frontend && npm ci --no-fund --no-audit && npm run build

boundaries: ## build the units and the border line again from their packages
	data/bundle/build/build.sh

gazetteer: ## build the tehsils, Afghan districts and settlements again from their packages
	data/bundle/build/gazetteer.sh

bench: ## speed as ratios against a limit measured in the same run
	$(GO) run ./cmd/sarhad-bench

soak: build ## half an hour of mixed load beside loads; SOAK="-minutes 3 -rows 200000" for less
	$(GO) run ./cmd/sarhad-bench -soak bin/sarhad $(SOAK)

geobench: ## how well and how fast places are found, on real files beside the repository and on our own tables
	$(GO) run ./cmd/sarhad-bench -only geocoding -v

bench-page: build ## how fast the page is with 250,000 and 1,000,000 made-up incidents; STORE=FILE ROWS=N to take others
	cd frontend && node e2e/bench.mjs $(ROWS)

screenshots: build ## pictures of the docs from this build, with made-up incidents; FILES="ged.csv …" to show others
	cd frontend && npm run screenshots -- $(FILES)
