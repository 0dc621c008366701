#!/usr/bin/env bash
# The ways in which curl logs in. DIVAN_USER is a user of _users and a member of DIVAN_DATABASE; DIVAN_TOKEN is a
# JSON Web Token of that user. With DIVAN_TLS_ORIGIN the listener there asks for a certificate of a client:
# DIVAN_AUTHORITY, DIVAN_CERTIFICATE and DIVAN_KEY are files.
set -euo pipefail

db=$DIVAN_ORIGIN/$DIVAN_DATABASE
json='Content-Type: application/json'
cd "$DIVAN_SCRATCH"

# expect STATUS CURL_ARGUMENT...: the answer's body goes to body.
expect() {
    local wanted=$1 status
    shift
    status=$(curl -sS -m 60 -o body -w '%{http_code}' "$@")
    if [[ $status != "$wanted" ]]; then
        printf 'expected %s, got %s: curl %s\n' "$wanted" "$status" "$*"
        cat body
        exit 1
    fi
}

# logged_in CURL_ARGUMENT...: these arguments log in, and write a document.
logged_in() {
    expect 200 "$@" "$DIVAN_ORIGIN/_session"
    grep -qF "\"userCtx\":{\"name\":\"$DIVAN_USER\",\"roles\":[]}" body || {
        cat body
        exit 1
    }
    expect 201 "$@" -X POST -H "$json" -d '{}' "$db"
}

expect 401 "$db"
expect 401 -u "$DIVAN_USER:wrong" "$db"
logged_in -u "$DIVAN_USER:$DIVAN_PASSWORD"

expect 200 -c jar -X POST -H "$json" -d "{\"name\":\"$DIVAN_USER\",\"password\":\"$DIVAN_PASSWORD\"}" "$DIVAN_ORIGIN/_session"
logged_in -b jar -c jar
expect 200 -b jar -c jar -X DELETE "$DIVAN_ORIGIN/_session"
expect 401 -b jar "$db"
expect 200 -c jar --data-urlencode "name=$DIVAN_USER" --data-urlencode "password=$DIVAN_PASSWORD" "$DIVAN_ORIGIN/_session"
logged_in -b jar

printf 'machine 127.0.0.1 login %s password "%s"\n' "$DIVAN_USER" "$DIVAN_PASSWORD" >netrc
logged_in --netrc-file netrc

logged_in -H "Authorization: Bearer $DIVAN_TOKEN"
logged_in --oauth2-bearer "$DIVAN_TOKEN"
expect 400 -H "Authorization: Bearer ${DIVAN_TOKEN%????}AAAA" "$db"

if [[ -n ${DIVAN_TLS_ORIGIN:-} ]]; then
    db=$DIVAN_TLS_ORIGIN/$DIVAN_DATABASE
    DIVAN_ORIGIN=$DIVAN_TLS_ORIGIN
    if curl -sS -m 60 --cacert "$DIVAN_AUTHORITY" -o body "$DIVAN_ORIGIN/" 2>errors; then
        echo 'a client without a certificate was admitted'
        exit 1
    fi
    certified=(--cacert "$DIVAN_AUTHORITY" -E "$DIVAN_CERTIFICATE" --key "$DIVAN_KEY")
    expect 200 "${certified[@]}" "$DIVAN_ORIGIN/"
    expect 401 "${certified[@]}" "$db"
    logged_in "${certified[@]}" -u "$DIVAN_USER:$DIVAN_PASSWORD"
    logged_in "${certified[@]}" -H "Authorization: Bearer $DIVAN_TOKEN"
fi
