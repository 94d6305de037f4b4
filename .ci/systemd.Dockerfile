# The images of .ci/package-test.sh and .ci/systemd-test.sh. The first has systemd as PID 1 and nothing of rpcd.
FROM debian:bookworm-slim AS systemd

RUN apt-get update \
 && apt-get install -y --no-install-recommends systemd systemd-sysv dbus \
 && rm -rf /var/lib/apt/lists/* \
 && systemctl mask systemd-udevd.service systemd-udev-trigger.service systemd-logind.service getty.target console-getty.service

STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]

# The second has rpcd with the shipped units, and some exports. The builder uses it, too.
FROM systemd

RUN groupadd --gid 1000 rpcd && useradd --uid 1000 --gid 1000 --home-dir / --no-create-home rpcd \
 && install -d -o rpcd -g rpcd /work \
 && for dir in /etc/rpcd/exports /etc/rpcd/hugin/exports /etc/rpcd/a/exports /etc/rpcd/b/exports; do \
      mkdir -p "$dir" && ln -s /bin/sh /bin/true /usr/bin/perl "$dir/" || exit 1; \
    done \
 && printf '#!/bin/sh\necho "$RPC_WORKER alone"\n' >/etc/rpcd/a/exports/only && chmod 755 /etc/rpcd/a/exports/only

COPY bin/rpc bin/rpcd /usr/local/bin/
COPY systemd/ /etc/systemd/system/
RUN systemctl enable rpcd.socket rpcd@hugin.socket rpcd@a.socket rpcd@b.socket
