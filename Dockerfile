FROM python:3.11-slim AS build
RUN pip install --no-cache-dir "uv>=0.9,<1"
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project
COPY bridge bridge
COPY workers workers
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app bridge
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY mappings mappings
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER bridge
EXPOSE 8000
ENTRYPOINT ["bridge"]
CMD ["serve"]
