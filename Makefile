# One obvious command for each thing; `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
export VENV
# Every process of the tests would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
SETUP := $(PYTHON) -m tooling
TEMPLATES := templates sandbox/templates
PYTEST := $(BIN)/python -m pytest
# Each process takes its share of the tests, and then from the others what they have not begun.
# Some tests wait for other processes: one more than two cores uses that time. Those of a browser wait
# more often.
THREE_AT_ONCE := --dist worksteal -n 3
FOUR_AT_ONCE := --dist worksteal -n 4

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-all test-unit test-postgresql test-e2e choose-postgresql coverage lint types format \
        lock upgrade release bench bench-compare faults scan pictures sbom clean setup setup-test setup-e2e

define heading
@printf '\n== %s ==\n' "$(1)"
endef

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' \
	    | awk -F'\t' '{ printf "make %-16s %s\n", $$1, $$2 }'

run: setup ## Serve the shop with demo data on this machine
	@exec $(BIN)/python serve.py

test: lint types test-unit test-postgresql test-e2e ## Check and test everything, in 10 to 15 minutes

test-all: E2E_OPTIONS := --all-combinations
test-all: UNIT_OPTIONS := --slow
test-all: test ## The same, with slow tests and every combination of language, size and script

test-unit: setup-test ## Test on SQLite
	$(call heading,Tests on SQLite)
	@$(PYTEST) tests -q $(THREE_AT_ONCE) $(UNIT_OPTIONS) $(OPTIONS)

test-postgresql: setup-test ## Test on PostgreSQL (TEST_DATABASE_URL, or a server of our own)
	$(call heading,Tests on PostgreSQL)
	@$(PYTEST) tests -q $(THREE_AT_ONCE) --postgresql $(UNIT_OPTIONS) $(OPTIONS)

choose-postgresql: setup-test ## Choose again which tests need not run on PostgreSQL
	$(call heading,All tests that may differ on PostgreSQL)
	@$(PYTEST) tests -q --choose-postgresql

test-e2e: setup-e2e ## Test in a browser, as a customer would
	$(call heading,Browser tests)
	@$(PYTEST) e2e -q $(FOUR_AT_ONCE) $(E2E_OPTIONS) $(OPTIONS)

coverage: setup-test ## Show which lines no test on SQLite runs
	@$(PYTEST) tests -q $(THREE_AT_ONCE) --cov --cov-report=term $(OPTIONS)

lint: setup-test ## Check the style of code and templates, and the floors of shop/
	$(call heading,Style)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/djlint --quiet --check --lint $(wildcard $(TEMPLATES))

types: setup-test ## Check the types
	$(call heading,Types)
	@$(BIN)/mypy --num-workers 2

format: setup-test ## Format code and templates
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/djlint --quiet --reformat $(wildcard $(TEMPLATES)) || true

faults: setup-test ## Buy while everything breaks, on both databases (OPTIONS="--only killed --minutes 10")
	$(call heading,Faults)
	@$(PYTEST) tests/faults -q --slow
	@$(BIN)/python -m tests.faults $(OPTIONS)

scan: setup-test ## Attack the shop with wapiti and sqlmap, and ask pip-audit about its packages (OPTIONS="--minutes 12")
	$(call heading,Scan)
	@$(BIN)/python -m tests.scan $(OPTIONS)

pictures: setup-e2e ## Take pictures of ten screens, of this version and of an earlier one
	$(call heading,Pictures)
	@$(BIN)/python -m e2e.pictures $(OPTIONS)

sbom: ## Write the software bill of materials, build/sbom.json
	@$(PYTHON) -m tooling.sbom build/sbom.json

bench: setup-test ## Measure the shop beside its floors (OPTIONS="--only pages --on sqlite")
	$(call heading,Benchmark)
	@$(BIN)/python -m bench $(OPTIONS)

bench-compare: setup-test ## Measure, and say what became slower than bench/baseline.json
	$(call heading,Benchmark against the baseline)
	@$(BIN)/python -m bench --compare $(OPTIONS)

lock: ## Lock the requirements to what setup.cfg asks for, with hashes
	@$(PYTHON) -m tooling.lock

upgrade: ## Lock the newest versions of everything
	@$(PYTHON) -m tooling.lock --upgrade

release: ## Record this commit as the release that the next one upgrades
	@$(PYTHON) -m tooling.release

clean: ## Remove what was made here, except the shop's data in var/
	@rm -rf .venv .cache .import_linter_cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* htmlcov test-results
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@find translations -name '*.mo' -delete

setup:
	@$(SETUP) run

setup-test:
	@$(SETUP) test

setup-e2e:
	@$(SETUP) e2e
