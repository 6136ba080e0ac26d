# What one does with Postdesk's source. Needs a Rust toolchain and a C compiler; `test` installs the rest.

.PHONY: test packages lint fmt demo simulate fuzz

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

# Simulated weeks from so many new seeds; a failure prints the seed, and POSTDESK_SEED replays it.
SEEDS ?= 200
simulate:
	POSTDESK_SEEDS=$(SEEDS) cargo test --locked --test it simulated_weeks -- --nocapture

# Each fuzz target for so many seconds, beginning with the mails of the tests. Needs cargo-fuzz; works on stable Rust.
FUZZ_SECS ?= 300
FUZZ_TARGETS ?= parse text bounce command proof imap
fuzz:
	scripts/fuzz.sh $(FUZZ_SECS) $(FUZZ_TARGETS)
