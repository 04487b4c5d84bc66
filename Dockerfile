# syntax=docker/dockerfile:1
# What builds stays in the first stage. The second one has Python, one virtual environment, no
# compiler, no pip of its own, and a user who can write to /data (SQLite) and /tmp alone.
ARG PYTHON=3.11
FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/seatkeeper
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE app.py ./
COPY licensing ./licensing
COPY webhooks ./webhooks
COPY openapi ./openapi
# Compiled here, since nothing can be written there later.
RUN /opt/seatkeeper/bin/pip install --compile --only-binary :all: --no-binary seatkeeper \
        -c requirements.lock '.[postgres,redis]' \
    && /opt/seatkeeper/bin/pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim-bookworm
RUN groupadd --system --gid 10001 seatkeeper \
    && useradd --system --uid 10001 --gid seatkeeper --home-dir /data --no-create-home seatkeeper \
    && install --directory --owner=seatkeeper --group=seatkeeper --mode=0700 /data
COPY --from=build /opt/seatkeeper /opt/seatkeeper
ENV PATH=/opt/seatkeeper/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SEATKEEPER_DATABASE_URL=sqlite:////data/seatkeeper.db \
    SEATKEEPER_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["seatkeeper"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
