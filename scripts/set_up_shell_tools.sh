#!/bin/sh
# curl and jq, with which the tests run the snippets of docs/http.md. Where they cannot be installed those tests are left
# out, which only CI takes for an error.
set -eu

missing=""
for tool in curl jq; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

if command -v apt-get >/dev/null; then
    echo "shell tools: installing$missing with apt-get"
    # shellcheck disable=SC2086
    if as_root apt-get update -qq && as_root apt-get install -y -qq $missing >/dev/null; then
        exit 0
    fi
fi
echo "shell tools:$missing not installed; the tests of docs/http.md's cURL snippets are left out" >&2
[ -z "${CI:-}" ]
