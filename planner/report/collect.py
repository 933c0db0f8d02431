"""Scripts that gather the exports: read-only commands whose output the readers read back.

One POSIX-shell script for each kind of host. The scripts for an HMC and for VIOSes run on any machine from which
``ssh`` reaches them; the one for an LPAR runs on the LPAR. Before the output of each command stands one line::

    ### planner-collect host=NAME kind=hmc|vios|lpar command=COMMAND LINE

A script writes to standard output alone and ends with a message and a non-zero code where it would have to guess:
without an argument, when a host does not answer, when a list on which the rest depends is empty. Which commands and
why, and which facts no command gives: docs/collect.md.
"""

from __future__ import annotations

import re

KINDS = ("hmc", "vios", "lpar")

MARKER = "### planner-collect"

_HEAD = r"""#!/bin/sh
# planner collect @KIND@: @PURPOSE@
# Read-only. Writes to standard output alone.
#
#     @USAGE@
#
set -u

stop() {
    printf 'planner-collect: %s\n' "$1" >&2
    exit "${2:-1}"
}

mark() {
    printf '### planner-collect host=%s kind=@KIND@ command=%s\n' "$1" "$2" || stop 'the output cannot be written'
}
"""

_REMOTE = r"""
usage='usage: @USAGE@'

# A name as ssh takes it, with the user where it names none.
destination() {
    case $1 in
        '' | -* | *[!A-Za-z0-9._:@-]*) return 1 ;;
        *@*) printf '%s\n' "$1" ;;
        *) printf '@USER@@%s\n' "$1" ;;
    esac
}

# over DESTINATION COMMAND: no password is asked for, standard input is left alone.
over() {
    ssh -n -o BatchMode=yes -o LogLevel=ERROR "$1" "$2"
}

# first DESTINATION COMMAND: what others depend on; it must succeed.
first() {
    over "$1" "$2" || stop "$1 does not answer '$2' (see the message above): the output so far is not complete"
}

# ask DESTINATION COMMAND [WHAT ssh RUNS]: marker and output; a refusal of the command is part of the output.
ask() {
    mark "${1##*@}" "$2"
    over "$1" "${3:-$2}" 2>&1
    ended=$?
    if [ "$ended" -eq 255 ]; then
        stop "$1 does not answer '$2' (ssh's message is the end of the output): the output is not complete"
    fi
    if [ "$ended" -ne 0 ]; then
        printf "planner-collect: %s: '%s' ended with %s; what it said is in the output\n" "$1" "$2" "$ended" >&2
    fi
}

[ "$#" -gt 0 ] || stop "$usage" 2
for name in "$@"; do
    destination "$name" > /dev/null || stop "'$name' is not the name of a host: $usage" 2
done
command -v ssh > /dev/null || stop 'there is no ssh on this machine'
"""

_HMC = r"""
# A word for the shell of the HMC: in single quotes, those inside it escaped.
word() {
    printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")"
}

system() {
    of="-m $(word "$2")"
    ask "$1" "lslic $of -t sys"
    ask "$1" "lssyscfg -r lpar $of"
    ask "$1" "lssyscfg -r lpar $of -F name,lpar_id,lpar_env,msp --header"
    ask "$1" "lssyscfg -r prof $of"
    ask "$1" "lshwres -r proc $of --level sys"
    ask "$1" "lshwres -r proc $of --level pool"
    ask "$1" "lshwres -r proc $of --level lpar"
    ask "$1" "lshwres -r procpool $of"
    ask "$1" "lshwres -r mem $of --level sys"
    ask "$1" "lshwres -r mem $of --level lpar"
    ask "$1" "lshwres -r virtualio --rsubtype eth $of --level lpar"
    ask "$1" "lshwres -r virtualio --rsubtype scsi $of --level lpar"
    ask "$1" "lshwres -r virtualio --rsubtype fc $of --level lpar"
    ask "$1" "lshwres -r virtualio --rsubtype slot $of --level lpar"
    ask "$1" "lshwres -r io --rsubtype slot $of"
    ask "$1" "lslparmigr -r sys $of"
    ask "$1" "lslparmigr -r lpar $of"
    capabilities=$(first "$1" "lssyscfg -r sys $of -F capabilities") || exit
    case ",$capabilities," in
        *[,\"]active_mem_sharing_capable[,\"]*) ask "$1" "lshwres -r mempool $of" ;;
    esac
    case ",$capabilities," in
        *[,\"]vnic_dedicated_sriov_capable[,\"]*)
            ask "$1" "lshwres -r sriov --rsubtype physport $of --level eth"
            ask "$1" "lshwres -r sriov --rsubtype physport $of --level roce"
            ask "$1" "lshwres -r sriov --rsubtype logport $of --level eth"
            ask "$1" "lshwres -r virtualio --rsubtype vnic $of --level lpar" ;;
    esac
}

for name in "$@"; do
    hmc=$(destination "$name")
    systems=$(first "$hmc" 'lssyscfg -r sys -F type_model,serial_num,name') || exit
    [ -n "$systems" ] || stop "$hmc lists no managed system: the output so far is not complete"
    ask "$hmc" 'lssyscfg -r sys'
    ask "$hmc" 'lshmc -V'
    while IFS= read -r one; do
        case $one in
            *\"*) stop "$hmc lists a managed system whose name holds a comma or a quote: $one" ;;
            ????-???,*,?*) one=${one#*,}; system "$hmc" "${one#*,}" ;;
            *,*,*) printf 'planner-collect: %s is not connected to %s: left out\n' "$hmc" "$one" >&2 ;;
            *) stop "$hmc lists no managed system but says: $one" ;;
        esac
    done <<END
$systems
END
done
"""

_VIOS = r"""
# A command as it is typed at the prompt of a VIOS; over ssh it goes through ioscli.
vios() {
    ask "$1" "$2" "ioscli $2"
}

for name in "$@"; do
    to=$(destination "$name")
    disks=$(first "$to" 'ioscli lspv') || exit
    disks=$(printf '%s\n' "$disks" | awk '$1 ~ /^[A-Za-z][A-Za-z0-9_.-]*$/ && $1 != "NAME" { print $1 }')
    [ -n "$disks" ] || stop "$to lists no disk, and a VIOS has one at least: the output so far is not complete"
    bridges=$(first "$to" 'ioscli lsmap -all -net') || exit
    seas=$(printf '%s\n' "$bridges" | awk '$1 == "SEA" && NF == 2 && $2 ~ /^[a-z0-9]+$/ { print $2 }' | sort -u)
    vios "$to" 'ioslevel'
    vios "$to" 'lsmap -all'
    vios "$to" 'lsmap -all -net'
    vios "$to" 'lsmap -all -npiv'
    vios "$to" 'lsnports'
    vios "$to" 'lspv'
    vios "$to" 'lspv -size'
    vios "$to" 'lsdev -type adapter'
    vios "$to" 'lsdev -dev vioslpm0 -attr'
    for disk in $disks; do
        vios "$to" "lsdev -dev $disk -attr"
    done
    for sea in $seas; do
        vios "$to" "entstat -all $sea"
    done
done
"""

_LPAR = r"""
usage='usage: @USAGE@'
PATH=$PATH:/usr/bin:/usr/sbin
LC_ALL=C
export PATH LC_ALL

whole() {
    case $1 in
        '' | 0* | *[!0-9]*) stop "'$1' is not a whole number above 0: $usage" 2 ;;
    esac
}

# answer COMMAND [ARGUMENT...]: marker and output. Standard input may be this very script.
answer() {
    mark "$host" "$*"
    "$@" < /dev/null 2>&1 || stop "'$*' ended with $?; what it said is the end of the output"
}

case $# in
    0) ;;
    2) whole "$1"; whole "$2" ;;
    *) stop "$usage" 2 ;;
esac
host=$(uname -n)
[ -n "$host" ] || stop 'this host has no name (uname -n)'

if command -v lparstat > /dev/null; then
    answer lparstat -i
    [ "$#" -eq 0 ] || answer lparstat "$1" "$2"
    exit 0
fi
[ "$#" -eq 0 ] || stop 'there is no lparstat on this host, so there are no samples to take'
for file in /proc/powerpc/lparcfg /proc/ppc64/lparcfg; do
    if [ -r "$file" ]; then
        answer cat "$file"
        exit 0
    fi
done
stop 'there is neither lparstat nor lparcfg on this host: is it a partition of a Power server?'
"""

_PARTS = {
    "hmc": (_HEAD + _REMOTE + _HMC, {
        "PURPOSE": "what the HMC knows of its managed systems and their partitions",
        "USAGE": "sh collect-hmc.sh [USER@]HMC... > hmc.txt", "USER": "hscroot"}),
    "vios": (_HEAD + _REMOTE + _VIOS, {
        "PURPOSE": "what each VIOS bridges and maps, and the disks that it sees",
        "USAGE": "sh collect-vios.sh [USER@]VIOS... > vios.txt", "USER": "padmin"}),
    "lpar": (_HEAD + _LPAR, {
        "PURPOSE": "what a partition says of itself, on AIX and Linux; no root is needed",
        "USAGE": "sh collect-lpar.sh [INTERVAL COUNT] > lpar.txt"}),
}


_ASKED = re.compile(
    r"""^(?!\s*(?:#|printf|mark)).*?\b(?:ask|first|vios|answer) (?:"\$\w+" (["']))?([a-z].*?)(?(1)\1|$)""", re.M)
"""A command that a script asks, in its own words."""


def script(kind: str, *, whole: bool = False) -> str:
    """The script for a kind of host: ``hmc``, ``vios`` or ``lpar``; ``whole``: with a list of the commands that it
    asks, for whoever has to agree to them. Raises ValueError for any other word.

    ``INTERVAL`` of the script for an LPAR is in seconds.
    """
    text, words = _of(kind)
    for name, value in {"KIND": kind, **words}.items():
        text = text.replace(f"@{name}@", value)
    if not whole:
        return text
    return text.replace("set -u\n", "".join(f"# asks: {one}\n" for one in _commands(text)) + "set -u\n", 1)


def usage(kind: str) -> str:
    """How the script for a kind of host is called, and what for. Raises ValueError as :func:`script`."""
    _, words = _of(kind)
    return f"{words['USAGE']}: {words['PURPOSE']}"


def _of(kind: str) -> tuple[str, dict[str, str]]:
    if kind not in _PARTS:
        raise ValueError(f"{kind!r} is not a kind of host; expected one of {', '.join(KINDS)}")
    return _PARTS[kind]


def _commands(text: str) -> list[str]:
    said = (m[2].removeprefix("ioscli ").replace("$of", "-m SYSTEM") for m in _ASKED.finditer(text))
    return list(dict.fromkeys(said))
