#!/bin/sh
# Fetches what the Go or TypeScript client ($1) builds with, so that the tests can build it offline; $2 is the stamp to
# leave. Without the language nothing is done, which only CI takes for an error.
set -eu

missing() {
    echo "clients/$1: left out, $2 is not installed" >&2
    [ -z "${CI:-}" ]
    exit
}

case "$1" in
go)
    command -v go >/dev/null || missing go go
    echo "clients/go: fetching and building its modules"
    (cd clients/go && go build ./...)
    ;;
typescript)
    command -v npm >/dev/null || missing typescript node
    echo "clients/typescript: installing its packages into node_modules"
    (cd clients/typescript && npm install --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
    ;;
esac
mkdir -p "$(dirname "$2")"
touch "$2"
