#!/bin/sh
# Writes each requirements*.txt from its .in: every package that is needed, on every platform, with
# the hashes of its files. Versions that are pinned already stay; `-P NAME` renews one that is not
# named in a .in file, `--upgrade` all of these.
set -eu

lock() {
    name=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --custom-compile-command "make lock" \
        "$name.in" --output-file "$name.txt" "$@"
}

lock requirements "$@"
lock requirements-s3 --constraint requirements.txt "$@"
lock requirements-embedded --constraint requirements.txt "$@"
lock requirements-dev --constraint requirements.txt --constraint requirements-s3.txt \
    --constraint requirements-embedded.txt "$@"
