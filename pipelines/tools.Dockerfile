# The image that fills the volume of tools (pipelines/tools.sh). Build bin/ first (README.md).
FROM debian:bookworm-slim

COPY bin/rpc /usr/local/bin/
COPY pipelines/tools.sh /usr/local/bin/tools.sh

ENTRYPOINT ["/usr/local/bin/tools.sh"]
