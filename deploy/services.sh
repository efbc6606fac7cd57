#!/usr/bin/env bash
# Private PostgreSQL, Redis and Redis Cluster for tests and trials, on loopback,
# under one folder, without systemd.
#
#   deploy/services.sh install          get Debian's packages (as root)
#   deploy/services.sh up [what...]     start; prints the environment that tests read
#   deploy/services.sh env              print it again
#   deploy/services.sh stop|kill|start what   one service (postgres or redis)
#   deploy/services.sh down             stop what "up" started, and remove the folder
#
# what: postgres redis cluster; all of them if not given. The folder is SERVICES_DIR, or one
# of its own for each working directory.
# PostgreSQL does not run as root: it becomes the user postgres.
set -euo pipefail

DIR=${SERVICES_DIR:-${TMPDIR:-/tmp}/sluice-services-$(pwd | cksum | cut -d" " -f1)}
ALL="postgres redis cluster"

log() { printf 'services: %s\n' "$*" >&2; }
die() { log "$*"; exit 1; }

pg_bin() {
	local d found=
	for d in /usr/lib/postgresql/*/bin; do [ -x "$d/initdb" ] && found=$d; done
	[ -n "$found" ] || die "there is no PostgreSQL server; run: $0 install"
	printf '%s' "$found"
}

as_pg() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

install_packages() {
	local miss=()
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || miss+=(postgresql)
	command -v redis-server >/dev/null || miss+=(redis-server)
	command -v openssl >/dev/null || miss+=(openssl)
	[ ${#miss[@]} = 0 ] && return 0
	[ "$(id -u)" = 0 ] || die "missing packages: ${miss[*]}; install them, or run this as root"
	log "installing ${miss[*]}"
	# The packages' own servers stay down: nothing may start by itself.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	mkdir -p /etc/postgresql-common
	grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
		echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf
	local try
	for try in 1 2 3; do
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${miss[@]}" >/dev/null 2>&1 && return 0
		log "try $try failed; updating the lists"
		apt-get update -qq >/dev/null 2>&1 || sleep 2
	done
	die "could not install ${miss[*]}"
}

# running says whether a process is there and not a zombie that nobody reaps.
running() {
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}

alive() { local p; [ -s "$1" ] && p=$(head -n1 "$1") && running "$p"; }

wait_for() { # seconds label command...
	local n=$(($1 * 20)) label=$2 i
	shift 2
	for ((i = 0; i < n; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
	die "$label did not become ready; see $DIR/log"
}

# port names a free port once and remembers it. Below 32768 no outgoing
# connection takes one; a cluster's bus is 10000 above, so below 22768.
port() { # name
	local f=$DIR/ports/$1 p
	if [ ! -s "$f" ]; then
		while :; do
			p=$((10240 + RANDOM % 12000))
			grep -qsx "$p" "$DIR"/ports/* && continue
			(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || break
		done
		echo "$p" >"$f"
	fi
	cat "$f"
}

certificates() {
	local t=$DIR/tls name
	[ -s "$t/client.crt" ] && return 0
	mkdir -p "$t"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=services test CA" \
		-keyout "$t/ca.key" -out "$t/ca.crt" \
		-addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' 2>/dev/null
	for name in server client; do
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout "$t/$name.key" -out "$t/$name.csr" 2>/dev/null
		openssl x509 -req -in "$t/$name.csr" -CA "$t/ca.crt" -CAkey "$t/ca.key" -CAcreateserial -days 30 \
			-extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n') \
			-out "$t/$name.crt" 2>/dev/null
	done
}

start_postgres() {
	local bin d=$DIR/postgres
	bin=$(pg_bin)
	alive "$d/data/postmaster.pid" && return 0
	if [ ! -s "$d/data/PG_VERSION" ]; then
		mkdir -p "$d"
		printf 'sluice\n' >"$d/password"
		chmod 600 "$d/password"
		[ "$(id -u)" = 0 ] && chown -R postgres: "$d"
		as_pg "$bin/initdb" -D "$d/data" -U sluice --pwfile="$d/password" -A scram-sha-256 \
			--encoding=UTF8 --locale=C.UTF-8 >"$DIR/log/initdb.log" 2>&1 || die "initdb failed; see $DIR/log/initdb.log"
		# Durable as it comes: the gateway refuses a server that is not.
		as_pg tee -a "$d/data/postgresql.conf" >/dev/null <<-EOF
			listen_addresses = '127.0.0.1'
			port = $(port postgres)
			unix_socket_directories = '$d'
			max_connections = 200
			shared_buffers = 128MB
		EOF
	fi
	as_pg rm -f "$d/data/postmaster.pid"
	as_pg "$bin/pg_ctl" -D "$d/data" -l "$d/postgres.log" -w -t 30 start >/dev/null 2>&1 ||
		{ tail -n 5 "$d/postgres.log" >&2; die "postgres did not start"; }
}

redis_server() { # name extra...
	local name=$1 d=$DIR/$1
	shift
	alive "$d/redis.pid" && return 0
	mkdir -p "$d"
	redis-server --port "$(port "$name")" --tls-port "$(port "$name-tls")" --bind 127.0.0.1 \
		--tls-cert-file "$DIR/tls/server.crt" --tls-key-file "$DIR/tls/server.key" --tls-ca-cert-file "$DIR/tls/ca.crt" \
		--tls-auth-clients yes --dir "$d" --pidfile "$d/redis.pid" --logfile "$DIR/log/$name.log" --daemonize yes \
		--save '' --appendonly no --enable-debug-command local "$@" >/dev/null
	wait_for 10 "$name" redis-cli -p "$(port "$name")" ping
}

start_redis() { redis_server redis; }

cluster_ok() { redis-cli -p "$1" cluster info | grep -q 'cluster_state:ok'; }

# tls-cluster: without it Redis 7.0 sends TLS clients on to the plain ports.
start_cluster() {
	local i nodes=()
	for i in 0 1 2; do
		redis_server "cluster$i" --cluster-enabled yes --cluster-config-file nodes.conf \
			--cluster-node-timeout 2000 --cluster-announce-ip 127.0.0.1 --tls-cluster yes
		nodes+=("127.0.0.1:$(port "cluster$i-tls")")
	done
	if ! cluster_ok "$(port cluster0)"; then
		redis-cli --tls --cacert "$DIR/tls/ca.crt" --cert "$DIR/tls/client.crt" --key "$DIR/tls/client.key" \
			--cluster create "${nodes[@]}" --cluster-replicas 0 --cluster-yes >"$DIR/log/cluster-create.log" 2>&1 ||
			{ tail -n 5 "$DIR/log/cluster-create.log" >&2; die "the cluster could not be made"; }
	fi
	for i in 0 1 2; do wait_for 15 "cluster$i" cluster_ok "$(port "cluster$i")"; done
}

pid_files() { # what
	case $1 in
	postgres) echo "$DIR/postgres/data/postmaster.pid" ;;
	redis) echo "$DIR/redis/redis.pid" ;;
	cluster) echo "$DIR/cluster0/redis.pid $DIR/cluster1/redis.pid $DIR/cluster2/redis.pid" ;;
	*) die "there is no service $1" ;;
	esac
}

# stop ends only processes whose ids "up" left in the folder.
stop() { # what signal
	local f p i
	for f in $(pid_files "$1"); do
		alive "$f" || continue
		p=$(head -n1 "$f")
		kill -"$2" "$p" 2>/dev/null || true
		for ((i = 0; i < 200; i++)); do running "$p" || break; sleep 0.05; done
		running "$p" && kill -KILL "$p" 2>/dev/null
		rm -f "$f"
	done
	return 0
}

print_env() {
	[ -d "$DIR/postgres" ] && echo "export SLUICE_TEST_POSTGRES='postgres://sluice:sluice@127.0.0.1:$(port postgres)/postgres?sslmode=disable'"
	[ -d "$DIR/redis" ] && echo "export SLUICE_TEST_REDIS='127.0.0.1:$(port redis)'"
	[ -d "$DIR/cluster0" ] && echo "export SLUICE_TEST_REDIS_CLUSTER='127.0.0.1:$(port cluster0-tls),127.0.0.1:$(port cluster1-tls),127.0.0.1:$(port cluster2-tls)'"
	echo "export SLUICE_TEST_TLS='$DIR/tls'"
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
install) install_packages ;;
up)
	install_packages
	mkdir -p "$DIR/log" "$DIR/ports"
	chmod 755 "$DIR"
	certificates
	for s in ${*:-$ALL}; do "start_$s" >&2; done
	print_env
	;;
env) print_env ;;
start) "start_$1" ;;
stop) stop "$1" INT ;;
kill) if [ "$1" = postgres ]; then stop "$1" QUIT; else stop "$1" KILL; fi ;; # QUIT: PostgreSQL drops everything, and recovers
down)
	[ -d "$DIR" ] || exit 0
	for s in $ALL; do stop "$s" INT; done
	rm -rf "$DIR"
	;;
*) die "usage: $0 install|up|env|start|stop|kill|down; see its first lines" ;;
esac
