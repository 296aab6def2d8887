# Everything runs in .venv; python3 must be 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
FIXTURES := fixtures/chart-api/chart-img/advanced-chart-v2

.PHONY: demo test check bench fixtures clean

demo: .venv/cli  ## export the five templates for two timeframes into charts/, from the fixtures
	env -u CHARTS_TEMPLATES_DIR CHARTS_API_MODE=mock CHARTS_FIXTURES_DIR=$(FIXTURES) \
		$(BIN)/chartimg export --symbols BINANCE:BTCUSDT --timeframes 1h,4h --out charts

test: .venv/dev  ## run all tests
	$(BIN)/python -m pytest -n auto

check: .venv/dev  ## run the quick checks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p chartimg
	$(BIN)/mypy tests benchmarks tools
	$(BIN)/lint-imports --no-cache
	$(BIN)/interrogate tests --config pyproject.toml

bench: .venv/dev  ## print what a fetch, a replay, an import and a claim cost, as ratios
	$(BIN)/python benchmarks/run.py

fixtures: .venv/dev  ## draw the shipped fixtures again
	$(BIN)/python tools/draw_fixtures.py

clean:  ## remove what the commands above made
	rm -rf .venv charts build dist *.egg-info .coverage .coverage.*

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chartimg needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/cli: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli]'
	touch $@

.venv/dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/cli
