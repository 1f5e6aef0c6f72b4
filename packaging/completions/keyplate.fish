# Completion of keyplate for fish.  It runs nothing but `keyplate devices list`, for the names of
# devices that open and connect know: that asks nothing and connects to nothing.
#
# The rows below are all options, with the kind of their value: none, a choice, FILE, DIR, or another
# word, for which there is nothing to offer.  scripts/check_completions compares them with the help.

function __keyplate_rows
    switch "$argv[1]"
        case serve
            echo 'listen=ADDR:PORT upstream=ADDR:PORT credentials=FILE config=FILE http=on|off identity=none|headers|proxy-v2 http-listen=ADDR:PORT transition=strict|sniff|dual|same-port other-tls=ADDR:PORT notice=FILE workers=N tls=1.2|1.3|any pake=ietf|boringssl|both handshake-timeout=S upstream-timeout=S idle-timeout=S head-timeout=S max-connections=N max-per-source=N max-handshakes=N max-requests=N throttle-file=FILE run-as=USER metrics=ADDR:PORT advertise check access-log log-to=stderr|syslog log=text|json quiet verbose'
        case 'passwd add'
            echo 'credentials=FILE user=NAME password-file=FILE password-fd=N generate group=2048|3072|4096|6144|8192 device-id=ID tls=1.2|1.3|any allow-tls12'
        case 'passwd change'
            echo 'credentials=FILE user=NAME password-file=FILE password-fd=N generate tls=1.2|1.3|any allow-tls12 allow-weak'
        case 'passwd remove'
            echo 'credentials=FILE user=NAME'
        case 'passwd list'
            echo 'credentials=FILE'
        case 'passwd check'
            echo 'credentials=FILE user=NAME password-file=FILE password-fd=N'
        case 'passwd import'
            echo 'credentials=FILE user=NAME group=2048|3072|4096|6144|8192 device-id=ID format=openssl|gnutls force allow-tls12'
        case 'passwd export'
            echo 'credentials=FILE user=NAME format=openssl|gnutls'
        case 'passwd reset'
            echo 'credentials=FILE factory=FILE'
        case 'passwd listen'
            echo 'credentials=FILE socket=FILE socket-group=GROUP'
        case 'passwd call'
            echo 'socket=FILE'
        case open
            echo 'user=NAME password-file=FILE password-fd=N listen=127.0.0.1:PORT no-browser remember device-id=ID tls=1.2|1.3|any pake=ietf|boringssl no-save config=FILE verbose'
        case connect
            echo 'user=NAME password-file=FILE password-fd=N device-id=ID tls=1.2|1.3|any pake=ietf|boringssl no-save verbose'
        case provision
            echo 'count=N model=TEXT out=DIR prefix=TEXT first=N user=NAME group=2048|3072|4096|6144|8192 tls=1.2|1.3|any host=HOST template=FILE print-template qr-password with-passwords jobs=N quiet'
        case discover
            echo 'seconds=N json'
        case browser
            echo 'user system all force json'
    end
end

function __keyplate_words
    switch "$argv[1]"
        case ''
            echo 'serve passwd open connect devices discover agent browser provision help --version --help'
        case help
            echo 'serve passwd open connect devices discover agent browser provision'
        case passwd
            echo 'add change remove list check import export reset listen call'
        case devices
            echo 'list rename forget logout'
        case browser
            echo 'install status remove'
    end
end

# Without the line of titles; a keyplate without clients' commands has none.
function __keyplate_devices
    command keyplate devices list </dev/null 2>/dev/null | awk 'NR > 1 && NF > 2 { print $1 }'
end

function __keyplate_value # the kind, what was typed, and what stands before it
    switch $argv[1]
        case FILE
            __fish_complete_path $argv[2] | string replace -r '^' -- $argv[3]
        case DIR
            __fish_complete_directories $argv[2] '' | string replace -r '^' -- $argv[3]
        case '*|*'
            string split '|' -- $argv[1] | string replace -r '^' -- $argv[3]
    end
end

# The kind of an option's value among rows; nothing for one that has none.
function __keyplate_kind
    for row in $argv[2..]
        string match -q -- (string sub -s 3 -- $argv[1])"=*" $row; and string split -m 1 -f 2 = -- $row
    end
end

function __keyplate_complete
    set -l typed (commandline -ct)
    set -l before (commandline -opc)
    set -l command ''
    set -l action ''
    set -l skip ''
    set -l behind 0
    set -l rows
    for word in $before[2..]
        set rows (string split ' ' -- (__keyplate_rows (string trim -- "$command $action")))
        if test -n "$skip"
            set skip ''
        else if string match -q -- '--*=*' $word
            continue
        else if string match -q -- '--*' $word
            test -n "$(__keyplate_kind $word $rows)"; and set skip $word
        else if test -z "$command"
            set command $word
        else if test "$command" = passwd -a -z "$action"
            set action $word
        else
            set behind (math $behind + 1)
        end
    end
    set rows (string split ' ' -- (__keyplate_rows (string trim -- "$command $action")))
    if test -n "$skip"
        __keyplate_value "$(__keyplate_kind $skip $rows)" "$typed" ''
    else if string match -q -- '--*=*' $typed
        set -l parts (string split -m 1 = -- $typed)
        __keyplate_value "$(__keyplate_kind $parts[1] $rows)" "$parts[2]" "$parts[1]="
    else if string match -q -- '-*' $typed; and test -n "$command"
        for row in $rows help
            test -n "$row"; and echo --(string split -f 1 = -- $row)
        end
    else if contains -- "$command $action" 'passwd import' 'passwd export'
        __fish_complete_path $typed
    else if contains -- "$command" open connect
        test $behind = 0; and __keyplate_devices
    else if test "$command" = devices -a $behind = 1 -a "$before[3]" != list
        __keyplate_devices
    else if test -z "$action" -a $behind = 0
        string split ' ' -- (__keyplate_words "$command")
    end
end

complete -c keyplate -f -a '(__keyplate_complete)'
