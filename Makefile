# Two commands: `make demo` and `make test`. Both set up what they need in .venv.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
WINDOW ?= 2026-12-05 22:00/04:00

.PHONY: demo month-end test prove prove-long mutants bench bench-slice lint faults package docs samples clean

demo: $(VENV)/.installed
	$(BIN)/planner evacuate data/landscape SN8379A80_p595-2 --window "$(WINDOW)" --return --work 60m --out reports/demo

USAGE := build/usage
CALENDAR := --country AU --subdivision VIC

month-end: $(VENV)/.installed
	$(BIN)/python data/build_usage.py $(USAGE) --months 8 --step 1800 --format csv
	$(BIN)/planner history add $(USAGE) --store $(USAGE).db --mapping $(USAGE).toml --zone Australia/Melbourne \
		--estate data/landscape
	$(BIN)/planner headroom data/landscape SN8379A80_p595-2 --cores 2 --memory 64 --when 2026-11 \
		--window "2026-11-21 20:00/23:00" --history $(USAGE).db $(CALENDAR) --out reports/month-end
	$(BIN)/planner capacity data/landscape --history $(USAGE).db --month 2026-11 $(CALENDAR) \
		--plan reports/month-end --out reports/capacity.xlsx --force

# Of npm, which looks at the accessibility of the pages; without it, or a network, its tests say that they are skipped.
AXE := node_modules/axe-core/axe.min.js

# Hundreds of processes import the program: what it is compiled to is kept, whatever the shell says.
test: $(VENV)/.installed-test
	@test -f $(AXE) || ! command -v npm >/dev/null 2>&1 || timeout 120 npm install --prefix . --no-save --no-package-lock \
		--silent --fetch-retries=0 --fetch-timeout=20000 axe-core@4 || echo "axe-core cannot be fetched: its tests are skipped"
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

# Drawn questions, replayed by a checker written from docs/ alone: ten minutes, or 100,000 of them (hours).
# What is refuted is in build/refuted, each with the command that repeats it. The long one runs all examples of the suite too.
GOALS ?= 100000
SEED ?= 0
prove: $(VENV)/.installed-test
	$(BIN)/python tests/outside/prove.py --seconds 570 --workers 2 --from $(SEED)

prove-long: $(VENV)/.installed-test
	PLANNER_PROVE=1 $(BIN)/python -m pytest -n 2
	$(BIN)/python tests/outside/prove.py --goals $(GOALS) --workers 2 --from $(SEED)

# The program changed in one place after the other: does a test fail? All of it takes days: ONLY="verify/ports cost", SAMPLE=n
# (and SEED=n) try some. Goes on where the last run stopped (build/mutants), and writes docs/mutants.md.
SAMPLE ?=
mutants: $(VENV)/.installed-mutants
	$(BIN)/python benchmarks/mutants.py $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE) --seed $(SEED))

# All benchmarks, and docs/benchmarks.md: minutes; ONLY="NAME …" prints some of them, LONG=1 takes hours. And a slice of
# them, as ratios beside those of benchmarks/slice.json: seconds.
ONLY ?=
LONG ?=
bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/bench.py $(if $(ONLY),--only $(ONLY)) $(if $(LONG),--long)

bench-slice: $(VENV)/.installed-test
	$(BIN)/python benchmarks/bench_slice.py

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive planner

# Commands killed, on full and broken disks, with hostile files, under wrong clocks, a thousand of them one after the other.
faults: $(VENV)/.installed-test
	$(BIN)/python benchmarks/fault_points.py
	$(BIN)/python benchmarks/fault_files.py
	$(BIN)/python benchmarks/fault_clock.py
	$(BIN)/python benchmarks/fault_soak.py

# Wheel and sdist, installed where nothing else is; PYTHONS="python3.12 python3.13" for those interpreters.
package: $(VENV)/.installed-test
	$(BIN)/python benchmarks/package.py $(if $(PYTHONS),--python $(PYTHONS))

docs: $(VENV)/.installed
	$(BIN)/python docs/build.py

samples: $(VENV)/.installed
	$(BIN)/python data/build_samples.py

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "planner needs Python 3.11 or later on the PATH"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "cannot make a virtual environment: on Debian, apt-get install python3-venv"; \
		rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-mutants: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,mutants]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
