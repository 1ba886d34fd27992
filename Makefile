# Python 3.11 or newer; on Debian the package python3-venv is needed too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEMGREP := .venv-semgrep
PORT ?= 8000
# Packages are checked against the hashes in requirements/; the shop itself is installed as it stands here.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
SELF := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test check words format soak audit bench shots pictures lock clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements/run.txt
	$(SELF)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(PIP) -r requirements/dev.txt
	@touch $@

# Its pins do not go together with the shop's.
$(SEMGREP)/.done: requirements/semgrep.txt
	@test -x $(SEMGREP)/bin/python || $(PYTHON) -m venv $(SEMGREP)
	$(SEMGREP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/semgrep.txt
	@touch $@

install: $(VENV)/.run ## Make .venv with what the shop needs
install-dev: $(VENV)/.dev ## The same with what tests and checks need

run: install ## Serve the shop on http://127.0.0.1:8000 (PORT=…)
	$(BIN)/storefront migrate
	$(BIN)/storefront seed
	$(BIN)/uvicorn storefront.asgi:app --host 127.0.0.1 --port $(PORT) --no-proxy-headers --no-access-log

# Servers are started by the hundred: what is compiled is kept, whatever the environment says.
test: install-dev ## Run every test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: install-dev $(SEMGREP)/.done ## Formatter, linter, types, import rules, templates, migrations, security
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint templates storefront/sandbox/templates --lint --quiet
	$(BIN)/storefront theme check --own
	$(BIN)/storefront theme check examples/theme-night-market
	$(BIN)/python -m tests.checks.migrations
	$(BIN)/python -m tests.checks.words
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive storefront migrations
	$(SEMGREP)/bin/semgrep scan --quiet --metrics=off --test --config tests/checks/semgrep/rules.yml tests/checks/semgrep/rules.py
	$(SEMGREP)/bin/semgrep scan --quiet --metrics=off --disable-version-check --error --config tests/checks/semgrep/rules.yml storefront templates

format: install-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: install-dev ## Tell the model's stories for long: ARGS="--minutes 60 --database postgresql"
	$(BIN)/python -m tests.model.soak $(ARGS)

words: install-dev ## Bring the sentences to be translated up to date, and say what lacks
	$(BIN)/python -m tests.checks.words --update

shots: install-dev ## Pictures of every page in every state, into var/shots (ARGS="cart home")
	$(BIN)/python -m tests.shots $(ARGS)

pictures: install-dev ## Make the demo's pictures from its drawings (ARGS="speckled-mug")
	$(BIN)/python -m tests.draw $(ARGS)

audit: install-dev ## Lighthouse, the Nu HTML checker and stylelint; needs Node 20 and Java (ARGS="--write docs/benchmarks.md")
	$(BIN)/python -m tests.audit $(ARGS)

bench: install-dev ## Measure; prints one table of ratios, and a storm of 200 checkouts
	$(BIN)/python -m tests.bench $(ARGS)
	$(BIN)/python -m tests.bench.storm $(if $(findstring --write,$(ARGS)),--write docs/benchmarks.md)

lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q pyproject.toml --extra build -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q pyproject.toml --extra build --extra test --extra check -c requirements/run.txt -o requirements/dev.txt
	echo semgrep | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q - -o requirements/semgrep.txt

clean: ## Remove what was made here, the development database too
	rm -rf $(VENV) $(SEMGREP) var .pytest_cache .mypy_cache .ruff_cache
