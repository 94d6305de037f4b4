# The worker for topics: rpcd alone. Build bin/ first (see README.md).
FROM debian:bookworm-slim

# The health check uses rpc.
COPY bin/rpc bin/rpcd /usr/local/bin/

USER 1000:1000
CMD ["rpcd", "serve", "cam"]
