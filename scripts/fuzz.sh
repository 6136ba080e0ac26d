#!/bin/sh
# Runs each fuzz target for some seconds, one after the other: fuzz.sh SECONDS TARGET...
# What crashes, hangs for ten seconds or takes 2 GB is left in fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")/.."
secs=$1
shift
# libFuzzer's instrumentation is a nightly option; the compiler itself is the stable one.
export RUSTC_BOOTSTRAP=1
for target in "$@"; do
  mkdir -p "fuzz/corpus/$target"
  case $target in
    parse|bounce|text) find tests/corpus -name '*.eml' -exec cp {} "fuzz/corpus/$target/" \; ;;
  esac
  if [ -d "fuzz/seeds/$target" ]; then cp "fuzz/seeds/$target"/* "fuzz/corpus/$target/"; fi
  echo "== $target"
  cargo fuzz run --fuzz-dir fuzz -O --sanitizer none "$target" "fuzz/corpus/$target" -- \
    -max_total_time="$secs" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1
done
