#!/usr/bin/env bash
# Install what pip cannot: install-system.sh python|mariadb|ssh|chromium|redis|compiler. Does nothing where it is there.
set -euo pipefail

part=${1:?python, mariadb, ssh, chromium, redis or compiler}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null && sudo "$@"
  fi
}

run_apt() {
  command -v apt-get >/dev/null || return 1
  as_root apt-get update -qq || true # what is known already may be enough
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

missing() {
  echo "$1 is needed and cannot be installed by this script here." >&2
  echo "  Debian, Ubuntu:  sudo apt-get install $2" >&2
  echo "  Fedora:          sudo dnf install $3" >&2
  echo "  macOS:           brew install $4" >&2
  exit 2
}

case $part in
  python)
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      run_apt python3 python3-venv || missing "Python 3.11 or newer with venv" \
        "python3 python3-venv" "python3" "python@3.12"
      python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or newer is needed; this system has $(python3 -V)." >&2
        exit 2
      }
    fi
    ;;
  mariadb)
    PATH=$PATH:/usr/sbin:/usr/local/sbin
    if [ -z "${MYSQL_URL:-}" ] && ! command -v mariadbd mysqld >/dev/null; then
      # The server's own files only: no service is set up or started.
      run_apt mariadb-server-core mariadb-client-core ||
        run_apt mariadb-server-core-10.6 mariadb-client-core-10.6 ||
        missing "A MariaDB or MySQL server (or MYSQL_URL)" \
          "mariadb-server-core mariadb-client-core" "mariadb-server" "mariadb"
    fi
    ;;
  ssh)
    PATH=$PATH:/usr/sbin:/usr/local/sbin
    if ! command -v sshd >/dev/null || ! command -v ssh >/dev/null; then
      # The tests start servers of their own on loopback. The package would start one for the
      # whole network; where systemd runs, it is masked (systemctl unmask ssh brings it back).
      if [ -d /run/systemd/system ] && ! command -v sshd >/dev/null; then
        as_root systemctl mask --quiet ssh.service ssh.socket || true
      fi
      run_apt openssh-server openssh-client ||
        missing "OpenSSH, client and server" "openssh-server openssh-client" \
          "openssh-server openssh-clients" "openssh"
    fi
    ;;
  chromium)
    if ! command -v chromium chromium-browser google-chrome >/dev/null; then
      run_apt chromium || missing "Chromium" "chromium" "chromium" "--cask chromium"
    fi
    ;;
  redis)
    if ! command -v redis-server >/dev/null; then
      # As with OpenSSH: the tests start their own; where systemd runs, no service is started.
      if [ -d /run/systemd/system ]; then
        as_root systemctl mask --quiet redis-server.service || true
      fi
      run_apt redis-server || missing "Redis" "redis-server" "redis" "redis"
    fi
    ;;
  compiler)
    # For the benchmarks: the program that throws rows away, and mysqlclient.
    if ! command -v cc >/dev/null || ! pkg-config --exists libmariadb ||
      ! python3-config --includes >/dev/null; then
      run_apt gcc libc6-dev pkg-config libmariadb-dev python3-dev ||
        missing "A C compiler with the headers of Python and of MariaDB's client" \
          "gcc libc6-dev pkg-config libmariadb-dev python3-dev" \
          "gcc pkgconf mariadb-connector-c-devel python3-devel" "mariadb-connector-c pkgconf"
    fi
    ;;
  *)
    echo "unknown part: $part" >&2
    exit 2
    ;;
esac
