#!/bin/sh
# Installs the Debian packages that the tests need and that are not there yet, and says which. Asks nothing, starts no
# daemon (the tests start their own), removes nothing. Without root it says what to install.
set -eu

packages="ca-certificates chromium chromium-driver curl dovecot-core dovecot-imapd dovecot-lmtpd neomutt opendkim opendmarc
openssl postfix poppler-utils procps s-nail sqlite3 strace swaks unbound util-linux wrk"

is_there() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian: install by hand what these packages hold:" $packages >&2
    exit 1
fi

missing=""
for package in $packages; do
    is_there "$package" || missing="$missing $package"
done
# OpenDMARC can do without the database that it would bring along.
case "$missing" in *opendmarc*) is_there dbconfig-mysql || missing="$missing dbconfig-no-thanks" ;; esac
if [ -z "$missing" ]; then
    echo "Test packages: all there."
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "Missing test packages; as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing test packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
if apt-get install --simulate --no-install-recommends -qq $missing </dev/null | grep '^Remv'; then
    echo "These would be removed, so nothing is done: another mail server is installed here. Use a container." >&2
    exit 1
fi

# Debian starts a daemon as soon as it is installed unless this file says 101.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
# Postfix must not ask what kind of mail server this machine shall be.
if command -v debconf-set-selections >/dev/null; then
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
fi
apt-get install --yes --no-install-recommends -qq $missing </dev/null >/dev/null
echo "Test packages: installed."
