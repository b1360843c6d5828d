#!/bin/sh
# Writes PgBouncer's settings from the environment, and runs it.
#
# DB_HOST, DB_NAME, DB_USER, DB_PASSWORD: the PostgreSQL behind it. DB_PORT, LISTEN_PORT, POOL_SIZE,
# CLIENTS_MAX, STATEMENT_SECONDS, RUN_DIR, SOCKET_DIR: see below. PREPARED_MAX=0 leaves prepared
# statements out, for a PgBouncer older than 1.21.
set -eu
umask 077

: "${DB_HOST:?}" "${DB_NAME:?}" "${DB_USER:?}" "${DB_PASSWORD?}"
run=${RUN_DIR:-/run/pgbouncer}
milliseconds=$((${STATEMENT_SECONDS:-10} * 1000))

# What the relay asks of each of its own connections when there is no pooler between.
settings="SET jit = off; SET random_page_cost = 1.1"
settings="$settings; SET statement_timeout = $milliseconds; SET lock_timeout = $milliseconds"
settings="$settings; SET idle_in_transaction_session_timeout = 60000"
if [ "${PREPARED_MAX:-200}" -gt 0 ]; then
    settings="$settings; SET plan_cache_mode = force_generic_plan"
fi

quoted() { # In double or single quotes, where such a quote is written twice.
    printf '%s' "$2" | sed "s/$1/$1$1/g"
}

printf '"%s" "%s"\n' "$(quoted '"' "$DB_USER")" "$(quoted '"' "$DB_PASSWORD")" >"$run/users"
cat >"$run/pgbouncer.ini" <<INI
[databases]
$DB_NAME = host=$DB_HOST port=${DB_PORT:-5432} dbname=$DB_NAME user=$DB_USER connect_query='$(quoted "'" "$settings")'

[pgbouncer]
listen_addr = ${LISTEN_ADDRESS:-0.0.0.0}
listen_port = ${LISTEN_PORT:-6432}
unix_socket_dir = ${SOCKET_DIR:-}
auth_type = scram-sha-256
auth_file = $run/users
pool_mode = transaction
default_pool_size = ${POOL_SIZE:-20}
max_client_conn = ${CLIENTS_MAX:-1000}
log_connections = 0
log_disconnections = 0
# A client that waits longer for a connection is told so, before its own patience ends.
query_wait_timeout = 5
server_connect_timeout = 5
# How long a server is left alone that could not be reached.
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
INI
if [ "${PREPARED_MAX:-200}" -gt 0 ]; then
    echo "max_prepared_statements = ${PREPARED_MAX:-200}" >>"$run/pgbouncer.ini"
fi
exec "${PGBOUNCER:-pgbouncer}" "$run/pgbouncer.ini"
