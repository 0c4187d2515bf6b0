#!/bin/sh
# Runs a command with DATABASE_URL set to a PostgreSQL server of its own, which is stopped and removed afterwards:
#
#     test/with_postgres.sh mix test
#
# The server's programs are looked for in POSTGRES_BIN, where Debian installs them (apt-get install postgresql; the
# package's own cluster is not touched) and in PATH. PostgreSQL refuses to run as root: called by root, the server
# runs as the user "postgres".
set -eu

fail() {
  echo "with_postgres: $*" >&2
  exit 1
}

[ $# -gt 0 ] || fail "usage: $0 COMMAND [ARGUMENT...]"

bin=${POSTGRES_BIN:-}
if [ -z "$bin" ]; then
  for directory in /usr/lib/postgresql/*/bin $(printf %s "$PATH" | tr : ' '); do
    if [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ]; then
      bin=$directory
      break
    fi
  done
fi
[ -n "$bin" ] || fail "PostgreSQL is not installed: apt-get install postgresql, or set POSTGRES_BIN."

as_server() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  as_server() { runuser -u postgres -- "$@"; }
fi

work=$(as_server mktemp -d /tmp/with_postgres.XXXXXX)
log=$(mktemp /tmp/with_postgres.XXXXXX)
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# The server is a child of this shell (of runuser, when that is in between), and the file has its own process id.
stop() {
  status=$?
  trap - EXIT INT TERM
  if [ -s "$work/data/postmaster.pid" ]; then
    kill -INT "$(head -n 1 "$work/data/postmaster.pid")" 2>/dev/null || true
    wait
  fi
  rm -rf "$work" "$log"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The directory is private to the server's user; the logs are ours.
printf '%s\n' "$password" | as_server tee "$work/password" >/dev/null
as_server "$bin/initdb" --pgdata "$work/data" --username guestbook --pwfile "$work/password" \
  --auth scram-sha-256 --encoding UTF8 --no-locale --no-sync >"$log" 2>&1 || { cat "$log" >&2; fail "initdb failed"; }

# Ports are tried at random: a server that finds its port taken ends at once, and another is tried.
attempt=0
while :; do
  attempt=$((attempt + 1))
  [ "$attempt" -le 20 ] || { cat "$log" >&2; fail "PostgreSQL does not start"; }
  port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))

  as_server "$bin/postgres" -D "$work/data" -p "$port" -h 127.0.0.1 -c "unix_socket_directories=" \
    -c fsync=off -c full_page_writes=off -c synchronous_commit=off >"$log" 2>&1 &
  server=$!

  # The eighth line of postmaster.pid is the server's state. Up to 30 seconds for a slow machine.
  waited=0
  while kill -0 "$server" 2>/dev/null && [ "$waited" -lt 300 ]; do
    case "$(sed -n 8p "$work/data/postmaster.pid" 2>/dev/null)" in ready*) break 2 ;; esac
    sleep 0.1
    waited=$((waited + 1))
  done
  kill "$server" 2>/dev/null || true
  wait "$server" || true
done

DATABASE_URL="postgres://guestbook:$password@127.0.0.1:$port/postgres"
export DATABASE_URL
"$@"
