#!/bin/sh
# Uses a running guestbook as a browser would: reads the page, leaves an entry, reads it back.
#
#     test/smoke.sh [http://127.0.0.1:4000]
set -eu

url=${1:-http://127.0.0.1:4000}
name="Smoke & Söhne $$"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "smoke: $*" >&2
  exit 1
}

fetch() { curl --silent --show-error --max-time 10 --cookie "$work/cookies" --cookie-jar "$work/cookies" "$@"; }

fetch "$url/healthz" | grep -qx ok || fail "$url/healthz does not answer ok"

fetch "$url/" >"$work/page"
token=$(sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p' "$work/page")
[ -n "$token" ] || fail "the page has no form with a token"

status=$(fetch --output "$work/answer" --write-out '%{http_code}' "$url/entries" \
  --data-urlencode "token=$token" --data-urlencode "name=$name" --data-urlencode "message=<script>alert(1)</script>")
[ "$status" = 303 ] || fail "POST /entries answers $status: $(cat "$work/answer")"

fetch "$url/" >"$work/page"
grep -q "Smoke &amp; Söhne $$" "$work/page" || fail "the entry is not on the page"
grep -q "Thank you for your entry." "$work/page" || fail "nobody says thank you"
if grep -q "<script>alert" "$work/page"; then fail "the message is not escaped"; fi
fetch "$url/" | grep -q "Thank you" && fail "the thanks are said twice"
fetch "$url/entries.json" | grep -qF "\"name\":\"$name\"" || fail "the entry is not in entries.json"

status=$(fetch --output /dev/null --write-out '%{http_code}' "$url/entries" --data "token=wrong&name=a&message=b")
[ "$status" = 403 ] || fail "a form with a wrong token is answered with $status"

# Everything that the page refers to is there.
sed -n 's/.*\(href\|src\)="\(\/[^"]*\)".*/\2/p' "$work/page" >"$work/references"
while read -r path; do
  status=$(fetch --output /dev/null --write-out '%{http_code}' "$url$path")
  [ "$status" = 200 ] || fail "$path answers $status"
done <"$work/references"

echo "smoke: ok"
