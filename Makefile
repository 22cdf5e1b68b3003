# Everything a newcomer needs: Python >= 3.11 and make.  `make verify` installs derivcheck beside its sources and
# verifies every result; a stamp per set of extras makes a second call start at once.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OURS := derivcheck problems tests benchmarks cli.py

.PHONY: verify test lint bench soak clean

verify: $(STAMPS)/verify
	$(BIN)/derivcheck verify --all

test: $(STAMPS)/test
	$(BIN)/python -m pytest -n 2

lint: $(STAMPS)/lint
	$(BIN)/ruff check $(OURS)
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/mypy

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks

# Not part of CI: many seeds against the stated false-alarm rate, random identities and non-identities.
soak: $(STAMPS)/test
	$(BIN)/python -m benchmarks.soak

clean:
	rm -rf $(VENV)

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "derivcheck needs Python 3.11 or newer; say which: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/verify: pyproject.toml $(STAMPS)/venv
	$(PIP) --editable '.[digits]'
	@touch $@

$(STAMPS)/test: pyproject.toml $(STAMPS)/venv
	$(PIP) --editable '.[test,digits]'
	@touch $@

$(STAMPS)/lint: pyproject.toml $(STAMPS)/venv
	$(PIP) --editable '.[lint,test,digits]'
	@touch $@

$(STAMPS)/bench: pyproject.toml $(STAMPS)/venv
	$(PIP) --editable '.[bench,digits,compiled]'
	@touch $@
