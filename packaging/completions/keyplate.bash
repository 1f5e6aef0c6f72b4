# Completion of keyplate for bash.  It runs nothing but `keyplate devices list`, for the names of
# devices that open and connect know: that asks nothing and connects to nothing.
#
# The rows below are all options, with the kind of their value: none, a choice, FILE, DIR, or another
# word, for which there is nothing to offer.  scripts/check_completions compares them with the help.

_keyplate_rows() {
    case $1 in
    serve) echo 'listen=ADDR:PORT upstream=ADDR:PORT credentials=FILE config=FILE http=on|off identity=none|headers|proxy-v2 http-listen=ADDR:PORT transition=strict|sniff|dual|same-port other-tls=ADDR:PORT notice=FILE workers=N tls=1.2|1.3|any pake=ietf|boringssl|both handshake-timeout=S upstream-timeout=S idle-timeout=S head-timeout=S max-connections=N max-per-source=N max-handshakes=N max-requests=N throttle-file=FILE run-as=USER metrics=ADDR:PORT advertise check access-log log-to=stderr|syslog log=text|json quiet verbose' ;;
    'passwd add') echo 'credentials=FILE user=NAME password-file=FILE password-fd=N generate group=2048|3072|4096|6144|8192 device-id=ID tls=1.2|1.3|any allow-tls12' ;;
    'passwd change') echo 'credentials=FILE user=NAME password-file=FILE password-fd=N generate tls=1.2|1.3|any allow-tls12 allow-weak' ;;
    'passwd remove') echo 'credentials=FILE user=NAME' ;;
    'passwd list') echo 'credentials=FILE' ;;
    'passwd check') echo 'credentials=FILE user=NAME password-file=FILE password-fd=N' ;;
    'passwd import') echo 'credentials=FILE user=NAME group=2048|3072|4096|6144|8192 device-id=ID format=openssl|gnutls force allow-tls12' ;;
    'passwd export') echo 'credentials=FILE user=NAME format=openssl|gnutls' ;;
    'passwd reset') echo 'credentials=FILE factory=FILE' ;;
    'passwd listen') echo 'credentials=FILE socket=FILE socket-group=GROUP' ;;
    'passwd call') echo 'socket=FILE' ;;
    open) echo 'user=NAME password-file=FILE password-fd=N listen=127.0.0.1:PORT no-browser remember device-id=ID tls=1.2|1.3|any pake=ietf|boringssl no-save config=FILE verbose' ;;
    connect) echo 'user=NAME password-file=FILE password-fd=N device-id=ID tls=1.2|1.3|any pake=ietf|boringssl no-save verbose' ;;
    provision) echo 'count=N model=TEXT out=DIR prefix=TEXT first=N user=NAME group=2048|3072|4096|6144|8192 tls=1.2|1.3|any host=HOST template=FILE print-template qr-password with-passwords jobs=N quiet' ;;
    discover) echo 'seconds=N json' ;;
    browser) echo 'user system all force json' ;;
    esac
}

# What stands behind a command before its options: an action, or a device.
_keyplate_words() {
    case $1 in
    '') echo 'serve passwd open connect devices discover agent browser provision help --version --help' ;;
    help) echo 'serve passwd open connect devices discover agent browser provision' ;;
    passwd) echo 'add change remove list check import export reset listen call' ;;
    devices) echo 'list rename forget logout' ;;
    browser) echo 'install status remove' ;;
    esac
}

# Without the names' line of titles; a keyplate without clients' commands has none.
_keyplate_devices() {
    command keyplate devices list </dev/null 2>/dev/null | awk 'NR > 1 && NF > 2 { print $1 }'
}

_keyplate_files() { # -f or -d, and what was typed
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_keyplate_value() { # the kind, and what was typed
    case $1 in
    FILE) _keyplate_files -f "$2" ;;
    DIR) _keyplate_files -d "$2" ;;
    *'|'*) mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$2") ;;
    esac
}

_keyplate() {
    local typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} value='' option=''
    local command='' action='' row rows word skip='' i words=0
    COMPREPLY=()
    # bash takes "=" for a word of its own: --http=on is three.
    if [ "$typed" = '=' ]; then option=$before; typed=; elif [ "$before" = '=' ] && [ "$COMP_CWORD" -gt 2 ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $before == --* ]]; then option=$before; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ -n "$skip" ]; then
            [ "$word" = '=' ] || skip=
        elif [[ $word == --* ]]; then
            for row in $(_keyplate_rows "$command${action:+ $action}"); do
                [[ $row == "${word#--}="* ]] && skip=1
            done
        elif [ -z "$command" ]; then
            command=$word
        elif [ -z "$action" ] && [ "$command" = passwd ]; then
            action=$word
        else
            words=$((words + 1))
        fi
    done
    rows=$(_keyplate_rows "$command${action:+ $action}")
    for row in $rows; do
        [[ -n $option && $row == "${option#--}="* ]] && value=${row#*=}
    done
    if [ -n "$value" ]; then
        _keyplate_value "$value" "$typed"
    elif [[ $typed == -* && -n $command ]]; then
        for row in $rows help; do
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "--${row%%=*}" -- "$typed")
        done
    elif [ "$command $action" = 'passwd import' ] || [ "$command $action" = 'passwd export' ]; then
        _keyplate_files -f "$typed"
    elif [ "$command" = open ] || [ "$command" = connect ]; then
        [ "$words" -gt 0 ] || mapfile -t COMPREPLY < <(compgen -W "$(_keyplate_devices)" -- "$typed")
    elif [ "$command" = devices ] && [ "$words" = 1 ] && [ "${COMP_WORDS[2]}" != list ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_keyplate_devices)" -- "$typed")
    elif [ -z "$action" ] && [ "$words" = 0 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_keyplate_words "$command")" -- "$typed")
    fi
}

complete -F _keyplate keyplate
