# The sample worker: Hugin's command line tools behind rpcd. Build bin/ first (see README.md).
FROM debian:bookworm-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends hugin-tools enblend \
 && rm -rf /var/lib/apt/lists/*

# One thread a tool: several pictures at once fill the cores already, and OpenMP's threads then fight over them
# (enblend took 28 s instead of 1 on a busy machine). HOME: the user below has no folder of its own.
ENV OMP_NUM_THREADS=1 HOME=/tmp

# rpc is the health check's.
COPY bin/rpc bin/rpcd /usr/local/bin/

USER 1000:1000
CMD ["rpcd", "serve", "hugin"]
