# Each target sets up what it needs and works alone on a fresh machine; a second run starts at once.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test lab notebooks site bundle mutants bench bench-grade bench-latency grade lint setup system

demo: setup        ## grade the sample class in the sandbox and show the table
	$(BIN)/python -m autograder demo

test: setup        ## lint, type check and run every test
	$(MAKE) lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lab: setup         ## open the course in JupyterLab
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) theory/00_start_here.ipynb

notebooks: setup   ## build every notebook from its text
	$(BIN)/python -m autograder.release
	$(BIN)/python -m autograder.mistakes
	$(BIN)/python theory/build.py
	$(BIN)/python theory/coverage.py
	$(BIN)/python -m lossmath.reference
	$(BIN)/python -m lossmath.fused.report

site: setup        ## build the site: live explorers without a kernel
	$(BIN)/python site/build.py

bundle: setup      ## pack what a student gets into one archive
	$(BIN)/python bundle/build.py

mutants: setup     ## put faults into every formula, kernel and solution; each must be noticed
	$(BIN)/pytest tests/lossmath/test_mutation.py tests/lossmath/fused tests/solutions -k "fault or mutant or mistake"

bench: setup       ## time the losses against their peers, writing docs/speed.md
	$(BIN)/python tests/lossmath/bench.py

bench-grade: setup ## time grading against stock nbgrader, writing docs/grading-speed.md and docs/scale.md
	$(BIN)/python tests/autograder/bench.py

bench-latency: setup ## time sliders against redrawing in the kernel, writing docs/explorer-speed.md
	$(BIN)/python tests/browser/bench_latency.py

grade: setup       ## grade a course folder: make grade COURSE=path
	$(BIN)/python -m autograder grade --course $(or $(COURSE),$(error say which: make grade COURSE=path))

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

setup: system .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .[test]
	touch $@

# The programs a target needs beside Python, as command:Debian package. They are installed when
# we may (root or sudo) and otherwise named.
demo grade bench-grade: NEEDS = bwrap:bubblewrap
site: NEEDS = npm:npm
bench-latency: NEEDS = chromium:chromium
test: NEEDS = bwrap:bubblewrap chromium:chromium npm:npm pg_ctlcluster:postgresql

system:
	@missing=""; \
	for need in $(NEEDS); do \
	  command -v $${need%%:*} >/dev/null || missing="$$missing $${need##*:}"; \
	done; \
	$(PYTHON) -c "import ensurepip" 2>/dev/null || missing="$$missing python3-venv"; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi; \
	$$as_root sh -c "apt-get update -qq && apt-get install -y -qq $$missing >/dev/null" \
	  || { echo "Please install these first: $$missing" >&2; exit 1; }
