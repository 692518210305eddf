# The image of every process of the notifier. It holds what constraints.txt pins and its own wheel, no compiler, no pip.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Everything is fetched here and checked against its hash; later steps have no index to ask.
COPY constraints.txt ./
RUN awk '/^(pip|setuptools)==/ { on = 1 } on { print } !/\\$/ { on = 0 }' constraints.txt > build.txt \
 && pip install --require-hashes --no-deps -r build.txt \
 && pip wheel --require-hashes --no-build-isolation --wheel-dir /wheels -r constraints.txt \
 && pip install --no-index --find-links /wheels hatchling

COPY pyproject.toml README.md LICENSE ./
COPY notifier ./notifier
COPY templates ./templates
COPY sql ./sql
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /dist . \
 && python -m venv --without-pip /opt/notifier \
 && pip --python /opt/notifier/bin/python install --no-index --find-links /wheels /dist/*.whl

FROM python:3.13-slim
COPY --from=build /opt/notifier /opt/notifier
ENV PATH=/opt/notifier/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# By number, so that an orchestrator can see that it is not root. Nothing is written but below /tmp.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["notifier"]
