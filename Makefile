# Two commands matter: `make run` starts the whole country on this machine, `make test` tests everything.
.PHONY: run build test soak clean

GO ?= go
export CGO_ENABLED ?= 0
# Erases typed secrets from memory (internal/secret/within.go): an experiment of Go, used where this Go knows it.
export GOEXPERIMENT ?= $(shell GOEXPERIMENT=runtimesecret $(GO) version >/dev/null 2>&1 && echo runtimesecret)

run: build
	./bin/tegata up

build:
	@echo "Compiling tegata with Go alone (the first time takes a minute or two: SQLite is compiled too)…"
	$(GO) build -o bin/tegata ./cmd/tegata

test:
	scripts/test

# More rounds of the same tests: every crash point on PostgreSQL too, longer fuzzing, the race detector everywhere.
soak:
	scripts/soak

clean:
	rm -rf bin test-output
