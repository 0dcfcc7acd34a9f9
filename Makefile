# synthor: `make vermont` and `make test` do all of their own set-up with Python 3.11 or later, git and make.
# Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The environment belongs to this lock, this pyproject.toml, this folder and this Python: another one, a new environment.
KEY := $(shell { cat requirements.lock pyproject.toml; echo "$(CURDIR)"; $(PYTHON) -V; } 2>&1 | cksum | cut -d ' ' -f 1)
READY := $(VENV)/ready-$(KEY)

.PHONY: setup vermont ecommerce test schema docs lock python

setup: $(READY)

vermont: $(READY)
	@$(BIN)/synthor run scenarios/vermont --out runs/vermont

ecommerce: $(READY)
	@$(BIN)/synthor run scenarios/ecommerce --out runs/ecommerce

test: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest

schema: $(READY)
	@$(BIN)/synthor schema > docs/scenario.schema.json
	@$(BIN)/synthor schema --prior > docs/prior.schema.json

docs: $(READY) schema
	@$(BIN)/python -m docs.generate
	@$(BIN)/mkdocs build --quiet --clean
	@echo "site/index.html"

$(READY): | python
	@echo "Setting up $(VENV): a minute or two, about 1 GB, once."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Versions and hashes only, no addresses. Keeps what it can of the present lock; `make lock FRESH=1` takes the newest.
lock: | python
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	$(PYTHON) -m venv "$$scratch/venv"; "$$scratch/venv/bin/pip" install --quiet --quiet uv; \
	if [ -z "$(FRESH)" ] && [ -f requirements.lock ]; then cp requirements.lock "$$scratch/lock"; fi; \
	"$$scratch/venv/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 --extra dev \
		--generate-hashes --no-annotate --no-header --output-file "$$scratch/lock" pyproject.toml > /dev/null; \
	{ echo "# Every dependency of pyproject.toml with its dev extra, for Python 3.11 or later."; \
	  echo "# Regenerate with: make lock"; cat "$$scratch/lock"; } > requirements.lock

python:
	@command -v $(PYTHON) > /dev/null || { echo "synthor needs Python 3.11 or later: there is no $(PYTHON). Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "synthor needs Python 3.11 or later: $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { echo "synthor needs Python's venv module: on Debian or Ubuntu, apt install python3-venv" >&2; exit 1; }
