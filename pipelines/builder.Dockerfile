# The images in which pipelines run. `builder` has bash, ImageMagick, and rpc, which calls the workers. `arrays` also has
# Python with NumPy, the package rpcd and a free portrait, for pipelines whose records are arrays. `topics` has h5py instead
# of the portrait. Build bin/ first (README.md).
FROM debian:bookworm-slim AS builder

RUN apt-get update \
 && apt-get install -y --no-install-recommends imagemagick \
 && rm -rf /var/lib/apt/lists/*

ENV HOME=/tmp
COPY bin/rpc /usr/local/bin/

USER 1000:1000
WORKDIR /work
CMD ["bash"]

FROM debian:bookworm-slim AS arrays

# These lines stand in fft.Dockerfile, ml.Dockerfile and builder.Dockerfile. So the engine runs them once.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*

COPY pipelines/portrait.sh /tmp/
RUN apt-get update \
 && apt-get install -y --no-install-recommends imagemagick \
 && bash /tmp/portrait.sh /usr/share/pixmaps/portrait.png \
 && rm -rf /var/lib/apt/lists/* /tmp/portrait.sh

# The Python package is compiled here, since a builder's file system is read-only.
COPY client/python/rpcd /usr/lib/python3/dist-packages/rpcd
RUN python3 -m compileall -q /usr/lib/python3/dist-packages/rpcd

ENV HOME=/tmp
COPY bin/rpc /usr/local/bin/

USER 1000:1000
WORKDIR /work
CMD ["bash"]

FROM debian:bookworm-slim AS topics

# These lines stand in fft.Dockerfile, ml.Dockerfile and builder.Dockerfile. So the engine runs them once.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-numpy \
 && rm -rf /var/lib/apt/lists/*

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-h5py \
 && rm -rf /var/lib/apt/lists/*

# The Python package is compiled here, since a builder's file system is read-only.
COPY client/python/rpcd /usr/lib/python3/dist-packages/rpcd
RUN python3 -m compileall -q /usr/lib/python3/dist-packages/rpcd

# Several parts use all cores already.
ENV OMP_NUM_THREADS=1 HOME=/tmp
COPY bin/rpc /usr/local/bin/

USER 1000:1000
WORKDIR /work
CMD ["bash"]
