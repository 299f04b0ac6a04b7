# `make demo` shows Annals at work; `make test` checks everything. They need Rust, Node with npm, and make.

.DEFAULT_GOAL := help
.PHONY: help demo test sim fuzz bench build check web

NPM := npm --prefix web
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	web/index.html web/package.json web/package-lock.json web/tsconfig.json web/vite.config.ts

help:
	@echo "make demo   builds Annals and plays agents' sessions on a temporary log; Ctrl-C ends it"
	@echo "make test   checks everything, and installs on Debian or Ubuntu what that needs"
	@echo "make sim    tells SEEDS stories of crashes and power losses to the log, or one with SEED"
	@echo "make fuzz   runs every fuzz target for a moment, or for EACH seconds"
	@echo "make bench  measures Annals beside Redis, Postgres, durable-streams and JetStream: bench/RESULTS.md"
	@echo "make build  builds the dashboard, target/release/annals and target/release/annals-hook"

demo: build
	@target/release/annals demo

test:
	@scripts/test

# One seed is one story; see crates/store/tests/sim.
sim:
	@SIM_SEEDS=$(SEEDS) SIM_FROM=$(FROM) SIM_SEED=$(SEED) cargo test --quiet --release --locked -p annals-store --test sim \
		no_crash_or_power_loss_takes_back_a_promise -- --nocapture

fuzz:
	@scripts/fuzz $(EACH)

# All rows, or those that BENCH names: make bench BENCH="f g".
bench: build
	@scripts/tools redis-server postgres setpriv
	@bench/peers
	cd bench && cargo run --release --locked -- $(BENCH)

build: web/dist/index.html
	cargo build --release --locked --bin annals --bin annals-hook

web: web/dist/index.html

web/dist/index.html: $(WEB_SOURCES) | web/node_modules/.package-lock.json
	$(NPM) run build
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	$(NPM) ci --no-audit --no-fund
	@touch $@
