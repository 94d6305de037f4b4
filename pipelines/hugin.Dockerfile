# The sample worker: Hugin's command line tools behind rpcd. Build bin/ first (see README.md).
FROM debian:bookworm-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends hugin-tools enblend \
 && rm -rf /var/lib/apt/lists/*

# Each tool uses one thread, since several pictures at once use all cores already. With OpenMP's threads enblend took
# 28 s instead of 1 on a busy machine. HOME is /tmp because the user has no folder of its own.
ENV OMP_NUM_THREADS=1 HOME=/tmp

# The health check uses rpc.
COPY bin/rpc bin/rpcd /usr/local/bin/

USER 1000:1000
CMD ["rpcd", "serve", "hugin"]
