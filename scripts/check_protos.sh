#!/bin/sh
# Checks protos/ with buf: lint, format, and that no client of the last release would break. Before the first release
# the main branch stands in for it. BREAKING_AGAINST=<commit> compares with that commit instead.
set -eu

if ! command -v buf >/dev/null; then
    echo "protos: not checked, buf is not here because node is not installed" >&2
    [ -z "${CI:-}" ]
    exit
fi

# The newest thing that others may have built on. A shallow clone may have no tag and no branch; then HEAD, so that at
# least what is not yet committed is compared.
published() {
    git rev-parse --git-dir >/dev/null 2>&1 || return 0
    git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null && return
    for branch in origin/main main HEAD; do
        git rev-parse --verify --quiet "$branch^{commit}" >/dev/null && echo "$branch" && return
    done
    return 0
}

status=0
buf lint || status=1
buf format --diff --exit-code protos || { echo "protos: not formatted, run: buf format --write protos" >&2; status=1; }

against="${BREAKING_AGAINST:-$(published)}"
if [ -z "$against" ]; then
    echo "protos: no commit to compare with, so breaks are not looked for"
elif [ -z "${BREAKING_AGAINST:-}" ] && ! git cat-file -e "$against:protos" 2>/dev/null; then
    echo "protos: $against has none to compare with"
else
    # Out of git by hand: buf's own git input clones, which a shallow repository does not allow.
    before="$(mktemp -d)"
    trap 'rm -rf "$before"' EXIT
    git archive --output "$before/protos.tar" "$against" buf.yaml protos third_party
    tar -x -f "$before/protos.tar" -C "$before"
    if buf breaking protos --against "$before/protos"; then
        echo "protos: no break against $against"
    else
        echo "protos: this breaks clients built on $against" >&2
        status=1
    fi
fi
exit $status
