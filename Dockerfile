# Diskette in place of the redis image: the same port, volume, user and program names.
#
#   docker build -t diskette .
#   docker run -p 6379:6379 -v cache:/data diskette
#   docker run diskette redis-server --appendonly yes --requirepass secret
#   docker run diskette --maxmemory 100mb
#   docker run -v ./my.conf:/etc/my.conf:ro diskette redis-server /etc/my.conf
#   docker exec <container> redis-cli ping
#
# Health checks may be written in both forms, ["CMD", "redis-cli", "ping"] and redis-cli ping:
# sh and grep are there for the second, nothing else.
#
# The container starts as root, as the redis image does, only to give /data to user 999; the
# server runs as that user. With --user it runs as the one named.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /image/usr/local/bin/diskette .
# One binary, which acts by the name it is called by. SQLite may put temporary files in /tmp.
RUN cd /image/usr/local/bin \
    && ln -s diskette redis-server \
    && ln -s diskette redis-cli \
    && ln -s diskette docker-entrypoint \
    && install -d -m 1777 /image/tmp \
    && install -d -o 999 -g 999 /data

FROM scratch
COPY --from=busybox:stable-musl /bin/sh /bin/grep /bin/
COPY --from=build /image /
# A new named volume takes its owner from this directory.
COPY --from=build --chown=999:999 /data /data
# In a container the server listens on all interfaces without protected mode, with its data
# in /data. A conf file or options say otherwise.
ENV PATH=/usr/local/bin:/bin \
    DISKETTE_IN_CONTAINER=1
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["docker-entrypoint"]
CMD ["redis-server"]
