#!/bin/sh
# Bitnami's name: the entry point takes Bitnami's variables when it is called by it.
exec docker-entrypoint /opt/bitnami/scripts/redis/entrypoint.sh "$@"
