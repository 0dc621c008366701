#!/usr/bin/env bash
# curl as a client: uploads and downloads of files, conditional requests, COPY, streams.
# DIVAN_URL has credentials, DIVAN_DATABASE is empty, DIVAN_SCRATCH is a folder for files.
set -euo pipefail

db=$DIVAN_URL/$DIVAN_DATABASE
json='Content-Type: application/json'
cd "$DIVAN_SCRATCH"

# expect STATUS CURL_ARGUMENT...: the answer's body goes to body, its headers to headers.
expect() {
    local wanted=$1 status
    shift
    status=$(curl -sS -m 60 -o body -D headers -w '%{http_code}' "$@")
    if [[ $status != "$wanted" ]]; then
        printf 'expected %s, got %s: curl %s\n' "$wanted" "$status" "$*"
        cat headers body
        exit 1
    fi
}

# holds TEXT FILE: the file has the text.
holds() {
    grep -qiF -- "$1" "$2" || {
        printf 'not in %s: %s\n' "$2" "$1"
        cat "$2"
        exit 1
    }
}

head -c 3000000 /dev/urandom >file
printf '{"docs":[{"_id":"a","n":1.0},{"_id":"b","n":123456789012345678901234567890}]}' >docs.json

expect 201 -X POST -H "$json" -d @docs.json "$db/_bulk_docs"
expect 200 "$db/b"
holds '"n":123456789012345678901234567890' body
expect 200 "$db/a"
holds '"n":1.0' body
etag=$(sed -n 's/^[Ee][Tt]ag: *\("[^"]*"\).*/\1/p' headers)
expect 304 -H "If-None-Match: $etag" "$db/a"
expect 200 -I "$db/a"
holds "$etag" headers

expect 201 -T file -H 'Content-Type: application/octet-stream' "$db/with-file/file"
expect 200 "$db/with-file/file"
cmp file body
expect 206 -r 1000-1999 "$db/with-file/file"
cmp <(tail -c +1001 file | head -c 1000) body
expect 201 -T - -H 'Content-Type: text/plain' "$db/piped/text" < <(printf 'from a pipe')
expect 200 "$db/piped/text"
holds 'from a pipe' body

expect 201 -X COPY -H 'Destination: c' "$db/a"
expect 200 "$db/c"
gzip -c docs.json >docs.json.gz
expect 201 -X POST -H "$json" -H 'Content-Encoding: gzip' --data-binary @docs.json.gz "$db/_bulk_docs"
holds conflict body
expect 201 -X POST -H "$json" -d '{"posted":true}' "$db"
expect 400 -X PUT -H "$json" -d '{"broken":' "$db/broken"
holds '"error":"bad_request"' body
expect 401 -u admin:wrong "${db/:\/\/*@/://}/a"
expect 200 "$db/_changes?feed=continuous&timeout=100&since=0"
holds '"last_seq"' body
expect 200 -X DELETE -G --data-urlencode "rev=${etag//\"/}" "$db/a"
expect 404 "$db/a"
holds '"reason":"deleted"' body
