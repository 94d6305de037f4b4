# The image in which pipelines run: bash, ImageMagick, and rpc, which calls the workers. Build bin/ first (README.md).
FROM debian:bookworm-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends imagemagick \
 && rm -rf /var/lib/apt/lists/*

ENV HOME=/tmp
COPY bin/rpc /usr/local/bin/

USER 1000:1000
WORKDIR /work
CMD ["bash"]
