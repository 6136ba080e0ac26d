# What one does with Postdesk's source. Needs a Rust toolchain and a C compiler; `test` installs the rest.

.PHONY: test packages lint fmt demo soak simulate fuzz bench

# Everything: unit tests, stories, and the tests with real servers, which need root.
test: packages
	cargo test --locked --all-targets

packages:
	scripts/install-test-packages.sh

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

fmt:
	cargo fmt

# The whole desk at work, with a mail server of its own.
demo:
	cargo run --locked --release -- demo

# About three minutes of kills: at each command, each sync, every fortieth write, and at random. Prints the sums.
soak: packages
	cargo test --locked --test it soak::sweep::whole_sweep -- --ignored --nocapture

# The benchmark: real servers on loopback, whole processes, some minutes; needs root as the tests with real servers do.
# Figures go to target/bench; docs/performance.md says what they mean.
bench: packages
	cargo bench --locked --bench bench -- all

# Simulated weeks from so many new seeds; a failure prints the seed, and POSTDESK_SEED replays it.
SEEDS ?= 200
simulate:
	POSTDESK_SEEDS=$(SEEDS) cargo test --locked --test it simulated_weeks -- --nocapture

# Each fuzz target for so many seconds, beginning with the mails of the tests. Needs cargo-fuzz; works on stable Rust.
FUZZ_SECS ?= 300
FUZZ_TARGETS ?= parse text bounce command proof imap
fuzz:
	scripts/fuzz.sh $(FUZZ_SECS) $(FUZZ_TARGETS)
