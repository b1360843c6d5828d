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
# Of `make bench` and `make bench-console`: `python -m bench --help` and `python -m bench.console
# --help` tell them.
BENCH_ARGUMENTS ?=
CONSOLE_ARGUMENTS ?=
GROWTH_ARGUMENTS ?=

.PHONY: run test test-thorough random chaos drill bench bench-growth bench-console check format install
.PHONY: install-dev tools pytest pytest-thorough lock sbom audit
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

# How fast the relay is, beside what limits it on this machine (docs/bench.md). It starts servers of
# its own, which keep what is committed. BENCH_ARGUMENTS="--only a,b --seconds 10" and the like.
bench: install-dev
	@exec $(PY) -m bench $(BENCH_ARGUMENTS)

# What five million tasks of a year cost submits and fetches (docs/bench.md, Growth). It fills a
# database of 20 GB for this, and drops it unless GROWTH_ARGUMENTS=--keep.
bench-growth: install-dev
	@exec $(PY) -m bench.growth $(GROWTH_ARGUMENTS)

# How quick each page and list is with a million tasks (bench/console.py); the database that it makes
# for this is kept for the next time. CONSOLE_ARGUMENTS="--only reports --times 50" and the like.
bench-console: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 $(PY) -m bench.console $(CONSOLE_ARGUMENTS)

# The random proof of the books at its nightly size: RANDOM_OPERATIONS=..., RANDOM_SEED=... to
# repeat one.
random: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 RANDOM_OPERATIONS=$${RANDOM_OPERATIONS:-10000} \
		$(PY) -m pytest -n $(WORKERS) tests/random

# A product at work is backed up, loses its database, and gets it back (docs/operations.md).
drill: install-dev
	@exec $(WITH_SERVERS) env DATABASE_POOL_SIZE=0 $(PY) -m pytest -q -n 0 \
		tests/operation/test_restore_drill.py

check: install-dev
	@exec $(WITH_SERVERS) $(MAKE) --no-print-directory tools

format: install-dev
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

install:
	@sh tools/venv.sh && $(PY) tools/install.py run && $(PY) tools/translations.py

install-dev:
	@sh tools/venv.sh && $(PY) tools/install.py dev && $(PY) tools/translations.py

# After a change in a requirements*.in: all that it needs, with hashes (tools/lock.sh).
# LOCK_ARGUMENTS=--upgrade renews what is not named there.
lock: install-dev
	@sh tools/lock.sh $(LOCK_ARGUMENTS)

# Of what is installed and of the files of others that pages load: sbom.json (CycloneDX).
sbom: install-dev
	@$(PY) -m tools.sbom sbom.json

# Known vulnerabilities in what we use. Without the network it says so and goes on.
audit:
	@$(PY) -m tools.audit

# What `check` and `test` run; they need the servers that these start.
tools: audit
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy . .ci/main_job.py
	.venv/bin/lint-imports --no-logo
	.venv/bin/bandit --quiet --recursive --configfile pyproject.toml .
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m tools.migrations

pytest:
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n $(WORKERS) -m "not thorough and not alone"

pytest-thorough:
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n $(WORKERS) -m "thorough and not alone"
	DATABASE_POOL_SIZE=0 $(PY) -m pytest -n 0 -m alone
