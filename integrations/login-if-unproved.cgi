#!/bin/sh
# A page behind `keyplate serve --identity headers`: who came by TLS and proved a password is greeted
# by name; everybody else has to log in as before.
#
# X-Remote-User can be believed only since nothing but keyplate reaches the web server: let that
# listen on loopback alone.  Keyplate takes the field out of what clients send.

# Text as HTML has it.
escape() {
    printf '%s' "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' \
        -e 's/"/\&quot;/g' -e "s/'/\&#39;/g"
}

if [ -z "$HTTP_X_REMOTE_USER" ]; then
    printf 'Status: 302 Found\r\n'
    printf 'Location: /login.html\r\n'
    printf 'Cache-Control: no-store\r\n'
    printf '\r\n'
    exit
fi

case $HTTP_X_KEYPLATE_PROOF in
srp) how='SRP, in TLS 1.2' ;;
spake2plus) how='SPAKE2+, in TLS 1.3' ;;
*) how=$HTTP_X_KEYPLATE_PROOF ;;
esac

printf 'Status: 200 OK\r\n'
printf 'Content-Type: text/html; charset=utf-8\r\n'
printf 'Cache-Control: no-store\r\n'
printf '\r\n'
cat <<END
<!doctype html>
<title>Hello</title>
<p>Hello, $(escape "$HTTP_X_REMOTE_USER").
<p>Your password was proved by $(escape "$how").
END
