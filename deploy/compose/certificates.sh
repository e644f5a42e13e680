#!/bin/sh
# Makes what is not there yet: the authority, a certificate for each service, and an operator with a connection profile.
set -eu
tls="${1:-/etc/almoner/tls}"
almoner="${2:-/usr/bin/almoner}"

for service in registry identity ledger referrals health-budgets settlement reconciliation; do
    if [ ! -e "$tls/$service.pem" ]; then
        "$almoner" certificates --folder "$tls" "$service" \
            --identity "urn:almoner:service:$service" --host "$service" --host localhost
    fi
done

if [ ! -e "$tls/operator.toml" ]; then
    "$almoner" certificates --folder "$tls" operator --identity urn:almoner:person:operator --role operator
    cat >"$tls/operator.toml" <<PROFILE
address = "https://localhost:7400"
authority = "authority.pem"
certificate = "operator.pem"
key = "operator.key"
PROFILE
fi
