#!/bin/sh
# Installs buf and the stub generators into .tools, in the pinned versions the Makefile hands over; $1 is the stamp to
# leave. What needs a language that is not on this machine is left out, which only CI takes for an error.
set -eu
stamp="$1"
complete=yes
mkdir -p .tools/bin

left_out() {
    echo "generators: $1 left out: $2" >&2
    complete=no
}

if ! command -v npm >/dev/null; then
    left_out "buf and protoc-gen-es (so no proto checks, no Go and TypeScript stubs)" "node is not installed"
elif [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    left_out "buf and protoc-gen-es (so no proto checks, no Go and TypeScript stubs)" "node $(node -v) is older than 20"
else
    echo "generators: installing buf $BUF_VERSION and protoc-gen-es $PROTOC_GEN_ES_VERSION into .tools"
    npm install --prefix .tools --no-save --package-lock=false --ignore-scripts --no-audit --no-fund --loglevel=error \
        "@bufbuild/buf@$BUF_VERSION" "@bufbuild/protoc-gen-es@$PROTOC_GEN_ES_VERSION" >/dev/null
fi

if ! command -v go >/dev/null; then
    left_out "protoc-gen-go (so no Go stubs)" "go is not installed"
else
    echo "generators: building protoc-gen-go $PROTOC_GEN_GO_VERSION and protoc-gen-go-grpc $PROTOC_GEN_GO_GRPC_VERSION into .tools"
    GOBIN="$(pwd)/.tools/bin"
    export GOBIN
    go install "google.golang.org/protobuf/cmd/protoc-gen-go@$PROTOC_GEN_GO_VERSION"
    go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$PROTOC_GEN_GO_GRPC_VERSION"
fi

if [ "$complete" = yes ]; then
    rm -f .tools/.generators-*
    touch "$stamp"
elif [ -n "${CI:-}" ]; then
    exit 1
fi
