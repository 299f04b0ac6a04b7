# `make demo` shows Annals at work; `make test` checks everything. They need Rust, Node with npm, and make.

.DEFAULT_GOAL := help
.PHONY: help demo test bench build check web

NPM := npm --prefix web
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	web/index.html web/package.json web/package-lock.json web/tsconfig.json web/vite.config.ts

help:
	@echo "make demo   builds Annals and plays agents' sessions on a temporary log; Ctrl-C ends it"
	@echo "make test   checks everything, and installs on Debian or Ubuntu what that needs"
	@echo "make bench  measures Annals against Redis and Postgres and writes bench/RESULTS.md"
	@echo "make build  builds the dashboard and target/release/annals"

demo: build
	@target/release/annals demo

test:
	@scripts/test

bench: build
	@scripts/tools redis-server postgres setpriv
	cd bench && cargo run --release --locked -- $(BENCH)

build: web/dist/index.html
	cargo build --release --locked --bin annals

web: web/dist/index.html

web/dist/index.html: $(WEB_SOURCES) | web/node_modules/.package-lock.json
	$(NPM) run build
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	$(NPM) ci --no-audit --no-fund
	@touch $@
