# The worker for transforms: NumPy in Python behind rpcd. Build bin/ first (see README.md).
FROM debian:bookworm-slim

# These lines stand in fft.Dockerfile, ml.Dockerfile and builder.Dockerfile. So the engine runs them once.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*

# Each process uses one thread, since several workers use all cores already. HOME is /tmp because the user has no folder.
ENV OMP_NUM_THREADS=1 HOME=/tmp

# The Python package is compiled here, since a worker's file system is read-only.
COPY client/python/rpcd /usr/lib/python3/dist-packages/rpcd
RUN python3 -m compileall -q /usr/lib/python3/dist-packages/rpcd

# The health check uses rpc.
COPY bin/rpc bin/rpcd /usr/local/bin/

USER 1000:1000
CMD ["rpcd", "serve", "fft"]
