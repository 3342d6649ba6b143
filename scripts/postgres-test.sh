#!/bin/sh
# Runs a command with PGTEST naming a throw-away PostgreSQL 15 from Debian's
# package: in a temporary directory, on a unix socket only, stopped by its pid
# and removed when the command ends.
#
#   scripts/postgres-test.sh go test ./store/...
#
# PostgreSQL refuses to run as root; root hands it to the user postgres.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 COMMAND…" >&2; exit 64; }

bin=
for dir in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
	[ -x "$dir/postgres" ] && { bin=$dir; break; }
done
[ -n "$bin" ] || { echo "$0: PostgreSQL is not installed: apt-get install postgresql-15" >&2; exit 69; }

dir=$(mktemp -d /tmp/tegata-pg.XXXXXX) # short: a socket's path has at most 107 bytes
as=
if [ "$(id -u)" = 0 ]; then
	chown postgres "$dir"
	as="runuser -u postgres --"
fi

finish() {
	trap - EXIT INT TERM
	if [ -f "$dir/data/postmaster.pid" ]; then
		pid=$(head -n 1 "$dir/data/postmaster.pid")
		kill -INT "$pid" 2>/dev/null || true # fast shutdown
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
	fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2086  # $as is words on purpose
(cd "$dir" && $as "$bin/initdb" -D "$dir/data" -U tegata -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1) || {
	cat "$dir/initdb.log" >&2
	exit 70
}
# fsync off: the data is thrown away. Nothing listens on the network; the
# directory is open to its owner and to who runs the tests (root) only.
# shellcheck disable=SC2086
(cd "$dir" && exec $as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c full_page_writes=off \
	-c max_connections=100 -c shared_buffers=64MB >"$dir/server.log" 2>&1) &

for _ in $(seq 100); do
	"$bin/pg_isready" -q -h "$dir" -U tegata && break
	sleep 0.1
done
"$bin/pg_isready" -q -h "$dir" -U tegata || {
	cat "$dir/server.log" >&2
	exit 70
}

PGTEST="postgres://tegata@/postgres?host=$dir&sslmode=disable" "$@"
