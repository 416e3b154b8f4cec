#!/bin/sh
# The name that the images of Redis and Valkey have for it; commands and Dockerfiles call it so.
exec docker-entrypoint "$@"
