# `make run` and `make test` need Python 3.11 or newer and nothing else.
# PYTHON=... names the Python to make .venv with, PORT=... the port to listen on.

PY := .venv/bin/python
# pytest's processes.
WORKERS ?= 4
# PostgreSQL and Redis for the length of one command, unless their URLs are set.
WITH_SERVERS := $(PY) -m relay.up.temporary
# Of `make chaos`: the seed of a run is repeated by giving it, else it is a new one.
CHAOS_SEED ?=
CHAOS_TASKS ?= 2000
CHAOS_SECONDS ?= 180
CHAOS_TENANTS ?= 20
CHAOS_CHANNELS ?= 10
# Of `make bench-console`: `python -m bench.console --help` tells them.
CONSOLE_ARGUMENTS ?=

.PHONY: run test test-thorough random chaos bench-console check format install install-dev tools pytest
.PHONY: pytest-thorough
.NOTPARALLEL:

run: install
	@exec $(PY) manage.py up

test: install-dev
	@exec $(WITH_SERVERS) $(MAKE) --no-print-directory tools pytest

# What takes longer than one waits for at each change: the sandbox's own tests, every route under
# every prefix, longer fuzzing. CI runs both.
test-thorough: install-dev
	@exec $(WITH_SERVERS) $(MAKE) --no-print-directory pytest-thorough

# Everything breaks while everybody works, for three minutes (docs/chaos.md).
chaos: export CHAOS_SEED := $(CHAOS_SEED)
chaos: export CHAOS_TASKS := $(CHAOS_TASKS)
chaos: export CHAOS_SECONDS := $(CHAOS_SECONDS)
chaos: export CHAOS_TENANTS := $(CHAOS_TENANTS)
chaos: export CHAOS_CHANNELS := $(CHAOS_CHANNELS)
chaos: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 $(PY) -m pytest -q -n 0 --show-capture=no \
		-o log_cli=true --log-cli-level=INFO --log-cli-format="%(message)s" \
		tests/faults/chaos/test_chaos.py

# How quick each page and list is with a million tasks (bench/console.py); the database that it makes
# for this is kept for the next time. CONSOLE_ARGUMENTS="--only reports --times 50" and the like.
bench-console: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 $(PY) -m bench.console $(CONSOLE_ARGUMENTS)

# The random proof of the books at its nightly size: RANDOM_OPERATIONS=..., RANDOM_SEED=... to
# repeat one.
random: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 RANDOM_OPERATIONS=$${RANDOM_OPERATIONS:-10000} \
		$(PY) -m pytest -n $(WORKERS) tests/random

check: install-dev
	@exec $(WITH_SERVERS) $(MAKE) --no-print-directory tools

format: install-dev
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

install:
	@sh tools/venv.sh && $(PY) tools/install.py run && $(PY) tools/translations.py

install-dev:
	@sh tools/venv.sh && $(PY) tools/install.py dev && $(PY) tools/translations.py

# What `check` and `test` run; they need the servers that these start.
tools:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy . .ci/main_job.py
	.venv/bin/lint-imports --no-logo
	$(PY) manage.py makemigrations --check --dry-run

pytest:
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n $(WORKERS) -m "not thorough and not alone"

pytest-thorough:
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n $(WORKERS) -m "thorough and not alone"
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n 0 -m alone
