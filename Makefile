# Everything runs in .venv; python3 must be 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
FIXTURES := fixtures/chart-api/chart-img/advanced-chart-v2
GRID := export --symbols BINANCE:BTCUSDT,BINANCE:ETHUSDT --timeframes 1h,4h --out charts
DEMO := env -u CHARTS_TEMPLATES_DIR -u TDA_ENV -u ENV CHARTS_FIXTURES_DIR=charts/fixtures
RECORD := env -u CHARTS_TEMPLATES_DIR CHARTS_API_MODE=record CHARTS_FIXTURES_DIR=$(FIXTURES) $(BIN)/chartimg emulate --

.PHONY: demo test soak mutants check bench docs fixtures clean

demo: .venv/cli  ## record what is missing from an emulated CHART-IMG, then export it all again from the fixtures
	@mkdir -p charts/fixtures && cp $(FIXTURES)/* charts/fixtures/
	@echo "1. record: what the fixtures lack comes over real HTTP, from an emulated CHART-IMG"
	@$(DEMO) CHARTS_API_MODE=record $(BIN)/chartimg emulate -- $(BIN)/chartimg $(GRID)
	@echo && echo "2. mock: the same again, without network, key or quota"
	@$(DEMO) CHARTS_API_MODE=mock $(BIN)/chartimg $(GRID)

export PYTHONDONTWRITEBYTECODE :=  # or each run would compile all tests anew

test: .venv/dev  ## run all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

soak: .venv/dev  ## run at length what the tests run briefly: crowds, kills, lock-step, invented replies
	$(BIN)/python -m pytest -m 'soak or gate' --timeout 3600

mutants: .venv/dev  ## change the domain in one place after the other, and see whether its tests notice; SAMPLE=200 takes minutes
	$(BIN)/python .ci/mutants.py $(SAMPLE:%=--sample %) $(SEED:%=--seed %) $(ONLY:%=--only %)

check: .venv/dev  ## run the quick checks, and print how each room measures
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy -p chartimg
	$(BIN)/mypy tests benchmarks docs .ci
	$(BIN)/python .ci/doc_types.py
	$(BIN)/lint-imports --no-cache
	$(BIN)/interrogate tests --config pyproject.toml
	$(BIN)/python .ci/figures.py

bench: .venv/dev  ## print what a fetch, a replay, an import and a claim cost, as ratios
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/export.py
	$(BIN)/python benchmarks/async.py
	$(BIN)/python benchmarks/check.py
	$(BIN)/python benchmarks/emulator.py
	$(BIN)/python benchmarks/claims.py
	$(BIN)/python benchmarks/gateway.py
	$(BIN)/python benchmarks/quota_yield.py

docs: .venv/docs  ## build the site into build/site, warnings are errors; it needs the program dot of the package graphviz
	.venv/site/bin/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet -b html -c docs -d build/site-cache . build/site
	@echo "the site is build/site/index.html"

fixtures: .venv/cli  ## record the shipped fixtures again, from an emulated CHART-IMG
	rm -f $(FIXTURES)/*.png $(FIXTURES)/*.meta.json $(FIXTURES)/*__422_*.json
	$(RECORD) $(BIN)/chartimg export --symbols BINANCE:BTCUSDT --timeframes 1h,4h --out build/fixtures
	CHARTS_CHECK=off $(RECORD) $(BIN)/chartimg fetch BINANCE:BTCUSDT INVALID --template price_ma1226_vol_v1 --out build/none.png || test $$? -eq 1
	$(BIN)/chartimg fixtures verify

clean:  ## remove what the commands above made
	rm -rf .venv charts build dist *.egg-info .coverage .coverage.*

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chartimg needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/cli: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,emulator]'
	touch $@

.venv/dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/cli

.venv/docs: pyproject.toml
	$(PYTHON) -m venv .venv/site
	.venv/site/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@
