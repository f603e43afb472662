# The two commands of a newcomer are `make demo` and `make test`; both need Python 3.11+ and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python manage.py
POSTGRES_URL ?= postgres://postgres@127.0.0.1:5432/postgres
REDIS_URL ?= redis://127.0.0.1:6379/9
BOTH := -n 2 --dist worksteal # processors, until the last test
# Who is shown what on a page is the same on any database; that each list of the admin can be read is tried on both.
# The demo is made on SQLite.
ALIKE := --ignore-glob="*/test_views*" --ignore-glob="*/test_admin_*" --ignore=tests/deliveries/test_demo.py \
	--ignore=tests/test_roles_matrix.py --ignore=tests/test_masked_numbers.py --ignore=tests/test_strangers.py

.PHONY: help install demo demo-data test test-all test-on-sqlite test-on-postgresql test-in-browsers mutants lint bench requirements messages

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

# All that is needed is pinned, so pip resolves nothing: what it would find anew can differ from day to day.
$(VENV)/runtime: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	touch $@

install: $(VENV)/dev ## the environment with all tools

demo: demo-data ## a filled system with a server; addresses and logins are printed
	$(RUN) demo serve

demo-data: $(VENV)/runtime ## all of the demo but the server
	$(RUN) demo data

test: $(VENV)/dev ## the suite on SQLite, no server needed
	$(BIN)/python -m pytest -q

test-all: $(VENV)/dev ## the suite on SQLite, what may differ there on PostgreSQL too, true workers and browsers; fails without them
	$(MAKE) --jobs 3 --output-sync=target test-on-sqlite test-on-postgresql test-in-browsers

test-on-sqlite: $(VENV)/dev
	$(BIN)/python -m pytest -q -p no:cacheprovider $(BOTH)

test-on-postgresql: $(VENV)/dev
	DATABASE_URL=$(POSTGRES_URL) CACHE_URL=$(REDIS_URL) CELERY_BROKER_URL=$(REDIS_URL) \
		HISTORY_STEPS=150 $(BIN)/python -m pytest -q -p no:cacheprovider -m "not browser" $(ALIKE) $(BOTH)

# What people do is tried on the narrow screen, where it is harder; their days, and every page, on a wide one too.
test-in-browsers: $(VENV)/dev
	$(BIN)/python -m pytest -q -p no:cacheprovider -m browser -k "not desktop or working_days" $(BOTH)

mutants: $(VENV)/dev ## whether the tests notice small changes in the parts that the proof rests on; some minutes
	$(BIN)/python -m tests.mutation

lint: $(VENV)/dev ## everything a machine can see
	$(BIN)/python -m pip check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint --check --lint --quiet templates
	$(RUN) makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(50))") HTTPS=true SIGNING_KEYS_DIR=/run/keys \
		$(RUN) check --deploy --fail-level WARNING
	$(RUN) makemessages --locale sv --no-location --ignore .venv
	git diff --exit-code -I '^"POT-Creation-Date' -- locale

bench: $(VENV)/dev ## speed and memory as ratios, on PostgreSQL; BENCH_SCALE=1 is the full size, BENCH_ONLY=orders or faces a part
	DATABASE_URL=$(POSTGRES_URL) $(BIN)/python -m benchmarks.run

requirements: ## pin the newest versions that requirements.in allows (needs uv)
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.txt

messages: ## collect and compile the translations (needs gettext)
	$(RUN) makemessages --locale sv --no-location --ignore .venv
	$(RUN) compilemessages --locale sv --ignore .venv
