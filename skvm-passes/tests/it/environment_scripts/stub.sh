#!/bin/sh
# Stands in for every program of a plan. Writes down its words, each with a NUL behind it and their number
# in front, and makes what the plan looks for afterwards. What stands in the file `fail` makes it fail.
name=${0##*/}
{
    printf '%s\0' "$(($# + 1))" "$name" "$@"
    printf '%s\0' "${GOBIN-}" "${GEM_HOME-}" "${DEBIAN_FRONTEND-}" "$PWD"
} >>"$JAIL/log"

if [ -e "$JAIL/fail" ]; then
    for word in "$@"; do
        if grep -qxF -e "$word" "$JAIL/fail"; then exit 1; fi
    done
fi

# Remembers words as installed by a manager.
remember() {
    manager=$1
    shift
    for word in "$@"; do printf '%s\n' "$word" >>"$JAIL/state/$manager"; done
}

# Whether all words are installed by a manager.
known() {
    manager=$1
    shift
    for word in "$@"; do grep -qxF -e "$word" "$JAIL/state/$manager" 2>/dev/null || return 1; done
}

# A program that is there from now on.
program() {
    mkdir -p -- "$1" && ln -sf "$JAIL/stub" "$1/$2"
}

interpreter() {
    case "${1-} ${2-} ${3-}" in
    "-m venv "*) program "$3/bin" python ;;
    "-m pip install")
        while [ "$1" != -- ]; do shift; done
        shift
        remember python "$@"
        ;;
    "-I -c import importlib.metadata"*)
        shift 3
        known python "$@"
        ;;
    *) exit 0 ;;
    esac
}

system() {
    remember system "$1"
    program "$JAIL/installed" "${1##*/}"
}

case $name in
python | python3) interpreter "$@" ;;
uv)
    case $1 in
    venv) program "$5/bin" python ;;
    pip)
        while [ "$1" != -- ]; do shift; done
        shift
        remember python "$@"
        ;;
    esac
    ;;
npm)
    prefix=$3
    while [ "$1" != -- ]; do shift; done
    shift
    for word in "$@"; do
        bare=${word#@}
        bare=${bare%%@*}
        case $word in @*) bare=@$bare ;; esac
        mkdir -p -- "$prefix/node_modules/$bare"
        : >"$prefix/node_modules/$bare/package.json"
        program "$prefix/node_modules/.bin" "${bare##*/}"
    done
    ;;
cargo)
    root=$4
    for last in "$@"; do :; done
    program "$root/bin" "$last"
    ;;
go)
    path=${2%@*}
    program "$GOBIN" "${path##*/}"
    ;;
gem)
    for last in "$@"; do :; done
    program "$6" "$last"
    ;;
apt-get)
    case "$1 $2" in
    "update ") : >"$JAIL/state/lists" ;;
    "install --simulate") [ -e "$JAIL/state/lists" ] ;;
    *) system "$5" ;;
    esac
    ;;
dnf) system "$4" ;;
apk)
    case $1 in
    add) system "$4" ;;
    *) known system "$4" ;;
    esac
    ;;
brew)
    case $1 in
    install) system "$3" ;;
    *) known system "$4" ;;
    esac
    ;;
dpkg | rpm) known system "$3" ;;
esac
