# Short entry points; each recipe is one script or one cargo call.
.PHONY: demo demo-real test bench build

# Build, fetch a small model, evaluate the synthetic respondents, print the table and write the report.
demo:
	scripts/demo.sh

# The same on real people: 20 of the 2,800 of psych::bfi, fetched without registration.
demo-real:
	scripts/demo-real.sh

# Everything that decides whether a change is good.
test:
	scripts/test.sh

# Speed, as ratios within one run (docs/benchmarks.md holds recorded results).
bench:
	scripts/bench.sh

build:
	cargo build --release
