# Diskette in place of the images of Redis, Valkey, KeyDB and Bitnami: the same port, volume, user and program names.
#
#   docker build -t diskette .                       # with busybox: sh and what scripts use
#   docker build -t diskette:bash --target bash .    # with bash, too
#   docker run -p 6379:6379 -v cache:/data diskette
#   docker run diskette redis-server --appendonly yes --requirepass secret
#   docker run diskette --maxmemory 100mb
#   docker run -v ./my.conf:/etc/my.conf:ro diskette redis-server /etc/my.conf
#   docker exec <container> redis-cli ping
#
# The container starts as root, as the redis image does, only to give /data to user 999; the
# server runs as that user. With --user it runs as the one named. entrypoint.go says what it is started with.
# compat_test builds these stages without an engine, from the lines below, and runs what is in them.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /image/usr/local/bin/diskette .

FROM busybox:stable-musl AS image
COPY --from=build /image /
COPY image /
# One binary, which acts by the name it is called by.
RUN cd /usr/local/bin \
    && for family in redis valkey keydb; do \
         for program in server cli benchmark check-rdb check-aof sentinel; do \
           ln -s diskette $family-$program; \
         done; \
       done \
    && ln -s diskette docker-entrypoint \
    && mkdir -p /usr/bin /opt/bitnami/redis/bin /opt/bitnami/valkey/bin \
    && ln -s /usr/local/bin/redis-server /usr/local/bin/redis-cli /usr/bin/ \
    && { [ -e /usr/bin/env ] || ln -s /bin/env /usr/bin/env; } \
    && ln -s /usr/local/bin/redis-server /usr/local/bin/redis-cli /opt/bitnami/redis/bin/ \
    && ln -s /usr/local/bin/valkey-server /usr/local/bin/valkey-cli /opt/bitnami/valkey/bin/
# The numbers are those of the official images. SQLite may put temporary files in /tmp.
RUN for name in redis valkey keydb; do \
      echo "$name:x:999:999:$name:/data:/bin/sh" >> /etc/passwd; \
      echo "$name:x:999:" >> /etc/group; \
    done \
    && mkdir -p /data /tmp /var/tmp /bitnami \
    && chmod 1777 /data /tmp /var/tmp /bitnami \
    && chown 999:999 /data
# What entry points and health checks call; the build ends if a name is missing.
RUN for name in awk base64 basename cat chgrp chmod chown cp cut date dd df diff dirname du echo env expr false find \
      getopt grep gunzip gzip head hostname id kill ln ls md5sum mkdir mktemp mv nc nproc nslookup od ping printf \
      ps pwd readlink realpath rm rmdir sed seq sh sha256sum sleep sort stat stty su tail tar tee test time timeout \
      touch tr true uname uniq uptime wc wget which whoami xargs yes; do \
      command -v $name > /dev/null || { echo "$name is missing"; exit 1; }; \
    done
# In a container the server listens on all interfaces without protected mode, with its data
# in /data. A conf file or options say otherwise.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DISKETTE_IN_CONTAINER=1
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["redis-server"]

FROM debian:stable-slim AS static-bash
RUN apt-get update && apt-get install -y --no-install-recommends bash-static

FROM image AS bash
COPY --from=static-bash /bin/bash-static /bin/bash

FROM image
