#!/bin/sh
# Starts the factory in a container, or anywhere: checks what would otherwise fail late, then becomes it.
#   DATA              where it may write (default /data)
#   ENROLMENT_FILE    a file with the one-time token (default /run/secrets/enrolment): never in the environment
#   EXTRA_CA_FILE     certificates of a proxy or a private authority, as PEM
set -eu

app=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
DATA=${DATA:-/data}
fail() {
  echo "factory: $1" >&2
  exit 2
}

[ "$(id -u)" != 0 ] || [ "${ALLOW_ROOT:-}" = 1 ] || fail 'does not run as root: agents would own the machine (ALLOW_ROOT=1 where there is no other user)'
[ -f "$app/dist/factory/main.js" ] || fail "$app/dist/factory/main.js is missing: build it first (npm run build)"
mkdir -p "$DATA/home" 2>/dev/null || true
[ -w "$DATA/home" ] || fail "$DATA cannot be written by user $(id -u): mount a volume that this user owns"

# Engines keep their sign-in and caches in the home folder; the root file system is read-only.
HOME=$DATA/home
TMPDIR=${TMPDIR:-/tmp}
export HOME TMPDIR

if [ -n "${EXTRA_CA_FILE:-}" ]; then
  [ -r "$EXTRA_CA_FILE" ] || fail "EXTRA_CA_FILE names $EXTRA_CA_FILE, which cannot be read"
  NODE_EXTRA_CA_CERTS=$EXTRA_CA_FILE
  GIT_SSL_CAINFO=$EXTRA_CA_FILE
  export NODE_EXTRA_CA_CERTS GIT_SSL_CAINFO
fi

token=${ENROLMENT_FILE:-/run/secrets/enrolment}
if [ -r "$token" ]; then
  GIGAFACTORY_ENROLMENT=$(cat "$token")
  export GIGAFACTORY_ENROLMENT
elif [ -n "${ENROLMENT_FILE:-}" ]; then
  fail "ENROLMENT_FILE names $token, which cannot be read"
fi

# Becomes the factory: signals reach it, and the token leaves the environment as its first act.
exec node "$app/dist/factory/main.js" --data "$DATA/factory" --json "$@"
