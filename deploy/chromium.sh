#!/usr/bin/env bash
# The browser that the tests of the pages drive: Debian's chromium, where there is
# none (as root).
#
#   deploy/chromium.sh
set -euo pipefail

log() { printf 'chromium: %s\n' "$*" >&2; }

[ -x /usr/bin/chromium ] && exit 0
[ "$(id -u)" = 0 ] || { log "there is no /usr/bin/chromium; install it, or run this as root"; exit 1; }
log "installing Debian's chromium"
for try in 1 2 3; do
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 && exit 0
	log "try $try failed; updating the lists"
	apt-get update -qq >/dev/null 2>&1 || sleep 2
done
log "could not install chromium"
exit 1
