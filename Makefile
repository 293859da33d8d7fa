# Thin on purpose: each target is a script in tools/steps. Everything built lands in ${XDG_CACHE_HOME:-~/.cache}/nestr-perch,
# node_modules, web/dist and dashboards/.built; nothing goes into tracked folders.

.DEFAULT_GOAL := help
.PHONY: help up test soak ecosystems corpora check bench bench-peers gen backends

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

up: ## build what changed, start Engine, collector and web page (flags: make up ARGS="--no-backends")
	@tools/steps/up $(ARGS)

test: ## set up and run every test, real servers and browser included
	@tools/steps/test

soak: ## the long runs: overload, a thousand kills, restored trees of real packages, a minute of fuzzing per parser
	@tools/steps/soak

corpora: ## outside test data, where NESTR_TEST_CORPORA or a folder beside the checkout has it
	@tools/steps/corpora

ecosystems: ## restored trees of real packages must work for cargo, Python, npm, pnpm (downloads some; some: ARGS="cargo")
	@tools/steps/ecosystems $(ARGS)

check: ## format, clippy, arch, tidy, generated files, web lint and types
	@tools/steps/check

bench: ## medians and ratios beside the named peers (some: make bench ARGS="pellet-peers")
	@tools/steps/bench $(ARGS)

bench-peers: ## perch beside the OpenTelemetry Collector and Rotel (make bench-peers ARGS="--all")
	@tools/bench/collector-peers $(ARGS)

gen: ## write generated files anew
	@tools/steps/gen

backends: ## build the pinned real servers into the cache (some: make backends ARGS="loki")
	@tools/backends/build $(ARGS)
