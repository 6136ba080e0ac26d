# What one does with Postdesk's source. Needs a Rust toolchain and a C compiler; `test` installs the rest.

.PHONY: test packages lint fmt demo

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
