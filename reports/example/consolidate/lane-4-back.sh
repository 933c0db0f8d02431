#!/usr/bin/env bash
# plan-sha256: e72ca833ff5c79da3c5f9caba0a75d1562a4ec7f8c63abd021a4bc30ab618246
# lane-4-back.sh: switch off 1 of 3 servers: SN8379A80_p595-2 and bring everything back: way back, lane 4 of 5: 3 moves, about Mon 2026-11-30 03:55 to 04:33 (Australia/Melbourne)
#
# Runs on a machine that reaches the consoles by ssh with a key; nothing is installed anywhere. See --help.
# shellcheck disable=SC2016  # names and commands are meant as they stand

set -u

usage() {
    cat << 'END_OF_HELP'
lane-4-back.sh: switch off 1 of 3 servers: SN8379A80_p595-2 and bring everything back: way back, lane 4 of 5: 3 moves, about Mon 2026-11-30 03:55 to 04:33 (Australia/Melbourne)

   25  hxaix97: SN1001C92_p570-2 to SN8379A80_p595-2, about Mon 2026-11-30 03:55
   26  hxaix47: SN1001C92_p570-2 to SN8379A80_p595-2, about Mon 2026-11-30 04:04, when hxaix97 (25, this lane) is over
   32  hxaix52: SN1001C92_p570-2 to SN8379A80_p595-2, about Mon 2026-11-30 04:19, when hxaix47 (26, this lane) is over

usage: lane-4-back.sh [--yes] [--dry-run] [--from MOVE] [--over MOVE]

Each move: waits for what must be over (asked of the console), validates, asks, moves, looks until the LPAR is Running on
its target and gone from its source, and writes its times. One that has arrived already is left out, so the script can be
run again at any time. It stops at whatever is not as planned, says what to do, and never gives an order twice by itself.

  --yes          asks no question; stops where a person has to decide
  --dry-run      shows all steps; asks no console
  --from MOVE    begins with this move; those before it in the lane are left as they are
  --over MOVE    you have seen that this move is over, though it has not arrived (it failed and is recovered), or that one
                 whose name cannot be typed has arrived: it is not waited for (may stand several times)

Variables:
  HMC='hscroot@hhmc01'
  LOG=log.csv (beside the script)  times of the moves, for planner calibrate
  POLL=15     seconds between two looks
  TRIES=8     looks that may go without an answer

Ends with
  0  all moves of the lane have arrived
  1  a move failed, or is half-way: stop it, recover it
  2  wrong use
  3  the validation refused a move: nothing of it was begun
  4  a move takes longer than it may: it goes on, nothing was stopped
  5  a console does not answer: what is under way goes on
  6  a move was not begun: the LPAR is not as planned, it is too late, or it is to be made by hand
  7  you said no
  130  interrupted: what is under way goes on
END_OF_HELP
}

# The moves of the lane, and those that they wait for.
move_25() {
    number=25 lpar='hxaix97' cell='hxaix97' source='SN1001C92_p570-2' target='SN8379A80_p595-2' lane=4 good='Running'
    source_console=$HMC target_console=$HMC
    source_query='lssyscfg -r lpar -m SN1001C92_p570-2 -F state,name'
    target_query='lssyscfg -r lpar -m SN8379A80_p595-2 -F state,name'
    later=() returns=0 by_hand=0
    row='hxaix97,SN1001C92_p570-2,SN8379A80_p595-2' figures='1.0,2.0,hvio3,hvio8,1000,HMC'
    validate='migrlpar -o v -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix97 -i '\''"virtual_scsi_mappings=44/hvio7/10,54/hvio8/11",source_msp_name=hvio3,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    order='migrlpar -o m -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix97 -i '\''"virtual_scsi_mappings=44/hvio7/10,54/hvio8/11",source_msp_name=hvio3,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    halt='migrlpar -o s -m SN1001C92_p570-2 -p hxaix97'
    recover='migrlpar -o r -m SN1001C92_p570-2 -p hxaix97'
    remark='' held='26 hxaix47 (lane 4)'
    not_before='' not_before_at='' stop_min=7
    latest='' latest_at='' advised='20261129170236' advised_at='Mon 2026-11-30 04:03 Australia/Melbourne'
    waits=()
}
move_26() {
    number=26 lpar='hxaix47' cell='hxaix47' source='SN1001C92_p570-2' target='SN8379A80_p595-2' lane=4 good='Running'
    source_console=$HMC target_console=$HMC
    source_query='lssyscfg -r lpar -m SN1001C92_p570-2 -F state,name'
    target_query='lssyscfg -r lpar -m SN8379A80_p595-2 -F state,name'
    later=() returns=0 by_hand=0
    row='hxaix47,SN1001C92_p570-2,SN8379A80_p595-2' figures='6.0,8.0,hvio4,hvio8,1000,HMC'
    validate='migrlpar -o v -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix47 -i '\''"virtual_scsi_mappings=45/hvio7/10,55/hvio8/11",source_msp_name=hvio4,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    order='migrlpar -o m -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix47 -i '\''"virtual_scsi_mappings=45/hvio7/10,55/hvio8/11",source_msp_name=hvio4,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    halt='migrlpar -o s -m SN1001C92_p570-2 -p hxaix47'
    recover='migrlpar -o r -m SN1001C92_p570-2 -p hxaix47'
    remark='' held='32 hxaix52 (lane 4)'
    not_before='' not_before_at='' stop_min=11
    latest='' latest_at='' advised='20261129171159' advised_at='Mon 2026-11-30 04:12 Australia/Melbourne'
    waits=()
}
move_32() {
    number=32 lpar='hxaix52' cell='hxaix52' source='SN1001C92_p570-2' target='SN8379A80_p595-2' lane=4 good='Running'
    source_console=$HMC target_console=$HMC
    source_query='lssyscfg -r lpar -m SN1001C92_p570-2 -F state,name'
    target_query='lssyscfg -r lpar -m SN8379A80_p595-2 -F state,name'
    later=() returns=0 by_hand=0
    row='hxaix52,SN1001C92_p570-2,SN8379A80_p595-2' figures='32.0,48.0,hvio3,hvio8,1000,HMC'
    validate='migrlpar -o v -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix52 -i '\''"virtual_scsi_mappings=36/hvio7/10,46/hvio8/11",source_msp_name=hvio3,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    order='migrlpar -o m -m SN1001C92_p570-2 -t SN8379A80_p595-2 -p hxaix52 -i '\''"virtual_scsi_mappings=36/hvio7/10,46/hvio8/11",source_msp_name=hvio3,dest_msp_name=hvio8,shared_proc_pool_id=0'\'''
    halt='migrlpar -o s -m SN1001C92_p570-2 -p hxaix52'
    recover='migrlpar -o r -m SN1001C92_p570-2 -p hxaix52'
    remark='' held=''
    not_before='' not_before_at='' stop_min=43
    latest='' latest_at='' advised='20261129172913' advised_at='Mon 2026-11-30 04:29 Australia/Melbourne'
    waits=()
}
mine=(25 26 32)

HMC=${HMC:-'hscroot@hhmc01'}
POLL=${POLL:-15}
TRIES=${TRIES:-8}
LOG=${LOG:-"$(cd "$(dirname "$0")" && pwd)/log.csv"}
yes=0 dry=0 from='' over=' '

# passing: seconds in $passed, of a clock that nobody sets: SECONDS goes back with the clock on the wall.
passing() {
    passed=$SECONDS
    if [[ -r /proc/uptime ]]; then
        read -r passed _ < /proc/uptime
        passed=${passed%%.*}
    fi
}

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"; }

# stop CODE LINE...: what is wrong and what to do.
stop() {
    local code=$1
    shift
    printf '\n%s  STOPPED\n' "$(date +%H:%M:%S)" >&2
    printf '  %s\n' "$@" >&2
    exit "$code"
}

on() { ssh -n -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 "$1" "$2"; }

# look CONSOLE QUERY: what a server has, into $list; asked again while there is no answer.
look() {
    local tries=0
    until list=$(on "$1" "$2" 2> "$errors") && [[ -n $list ]]; do
        tries=$((tries + 1))
        ((tries < TRIES)) || return 1
        say "no answer from $1, asked again in $POLL s: $(tail -n 1 "$errors")"
        sleep "$POLL"
    done
}

# state_of_it: the state of the LPAR in $list, into $state; nothing where it is not listed.
state_of_it() {
    local line
    state=
    while IFS= read -r line; do
        if [[ ${line#*,} == "$lpar" || ${line#*,} == "$cell" ]]; then state=${line%%,*}; fi
    done <<< "$list"
}

# where_is: the states of the LPAR on its source and its target, into $here and $there.
where_is() {
    look "$source_console" "$source_query" || return 1
    state_of_it
    here=$state
    look "$target_console" "$target_query" || return 1
    state_of_it
    there=$state
}

logged() {
    local line
    [[ -r $LOG ]] || return 1
    while IFS= read -r line; do
        if [[ $line == "$row,"*",ok,"* ]]; then return 0; fi
    done < "$LOG"
    return 1
}

# has_arrived: 0 yes, also where it has gone on from there since; 1 not yet; 5 no answer.
has_arrived() {
    local n
    where_is || return 5
    if [[ -z $here && $there == "$good" ]]; then return 0; fi
    if [[ -n $here ]]; then
        [[ $returns == 1 && $here == "$good" && -z $there ]] && logged
        return
    fi
    for ((n = 0; n < ${#later[@]}; n += 2)); do
        look "${later[n]}" "${later[n + 1]}" || return 5
        state_of_it
        if [[ -n $state ]]; then return 0; fi
    done
    return 1
}

unanswered() {
    stop 5 "no answer from $source_console or $target_console after $TRIES looks: $(tail -n 1 "$errors")" "$@" \
        'Run this script again when it answers: it looks first where everybody is.'
}

seen_over() { [[ $over == *" $1 "* ]]; }

# await MOVE UNTIL WHY: until that move has arrived or, where its end is enough, is said to be over.
await() {
    local told=-600
    "move_$1"
    if seen_over "$1"; then
        if [[ $2 == ended || $by_hand == 1 ]]; then
            say "move $number $lpar is over: you have seen it"
            return
        fi
        stop 6 "move $current needs what move $number $lpar was to leave: it is not enough that it is over, it must have arrived." \
            'Go on with planner resume.'
    fi
    while :; do
        if [[ $by_hand == 1 ]]; then
            stop 6 "waits for move $number $lpar, lane $lane: $3" \
                "Its name cannot be typed, no console can be asked for it. When you have seen it arrived: --from $current --over $number"
        fi
        has_arrived
        case $? in
            0) return ;;
            5) unanswered "move $current was not begun: it waits for move $number $lpar, lane $lane." ;;
        esac
        passing
        if ((passed - told >= 600)); then
            told=$passed
            say "move $current waits for move $number $lpar (lane $lane) to have $2${3:+: $3}"
            if [[ $2 == ended ]]; then say "    if it failed and is recovered: stop here (Ctrl-C), then --from $current --over $number"; fi
        fi
        sleep "$POLL"
    done
}

clock() { date -u +%Y%m%d%H%M%S; }

in_time() {
    if [[ -n $latest && $(clock) > $latest ]]; then
        stop 6 "move $number $lpar must not begin any more: begun after $latest_at it may run into a time in which it must not move." \
            "Hold back: ${held:-nobody}." 'Go on with planner resume, or another night.'
    fi
}

# ask_person QUESTION: yes or the end.
ask_person() {
    local answer=
    if ((yes)); then return; fi
    read -r -p "$1 [y/N] " answer || true
    case $answer in
        y | Y | yes | YES | Yes) ;;
        *) stop 7 "you said no: move $number $lpar was not begun." "Go on: $0 --from $number" ;;
    esac
}

# log_move RESULT
log_move() {
    if [[ -z $row ]]; then return; fi
    printf '%s,%s,%s,%s,%s\n' "$row" "$begun" "${came:-$(date '+%Y-%m-%d %H:%M:%S')}" "$1" "$figures" >> "$LOG" ||
        say "the log $LOG cannot be written: note begin $begun, end ${came:-now}, $1"
}

how_to_recover() {
    cat << END_OF_STEPS

  1. Stop it, on $source_console:
         $halt
  2. Recover it, there too:
         $recover
  3. Look where it runs, exactly one of both:
         $source_query
         $target_query
  Hold back meanwhile: ${held:-nobody}.
  Then: $0 --from $number (it looks first; one that has arrived is left out), or planner resume.
END_OF_STEPS
}

# failed WORDS: it ended, and not where it should.
failed() {
    log_move failed
    tail -n 20 "$answer" | sed 's/^/  | /'
    stop 1 "$@" "On $source: ${here:-not listed}. On $target: ${there:-not listed}." "$(how_to_recover)"
}

# settle PID: looks until it has arrived, and knows when it has not.
settle() {
    local pid=$1 ended='' looks=0 before='' rc=0 now gone='' took=0
    came=
    while :; do
        if [[ -z $ended ]] && ! kill -0 "$pid" 2> /dev/null; then
            wait "$pid"
            rc=$? ended=1
            if ((rc == 255)); then say "the connection to $source_console was lost: the order is not given again, only its end is looked for"; fi
        fi
        has_arrived
        case $? in
            0)
                if [[ -z $came ]]; then
                    passing
                    came=$(date '+%Y-%m-%d %H:%M:%S') took=$((passed - began))
                fi
                if [[ -n $ended ]]; then break; fi
                ;;
            5) unanswered "move $number $lpar was ordered at $begun and may be under way: it goes on by itself." \
                "See: $source_query" ;;
        esac
        now="on $source: ${here:-not listed}; on $target: ${there:-not listed}"
        if [[ $now != "$before" ]]; then say "$lpar $now"; fi
        if [[ $here != "$good" || -n $there ]]; then gone=1; fi
        if [[ -n $ended && -z $came ]]; then
            # A console may be some looks behind; what is in migration after a lost connection goes on.
            looks=$((looks + 1))
            if [[ $now != "$before" ]] || { ((rc == 255 || rc == 0)) && [[ "$here$there" == *Migrating* ]]; }; then looks=1; fi
            if ((looks > 3)); then
                if [[ $here == "$good" && -z $there && -z $gone ]] && ((rc == 255)); then
                    stop 1 "move $number $lpar did not begin: the connection was lost before the console took the order." \
                        "It is $good on $source, and not on $target. Run this script again: it looks first, and asks."
                fi
                if [[ $here == "$good" && -z $there ]]; then
                    failed "move $number $lpar was not made: it runs on where it was (migrlpar ended with $rc)."
                fi
                failed "move $number $lpar is half-way (migrlpar ended with $rc)."
            fi
        fi
        passing
        if ((passed - began > 60 * stop_min)); then
            stop 4 "move $number $lpar takes longer than $stop_min minutes: 99 in 100 are over by then." \
                "Now $now." 'It goes on; nothing was stopped. Is there progress (bytes sent)?' \
                "    lslparmigr -r lpar -m $source" "What the console said: $answer" 'If there is none:' "$(how_to_recover)"
        fi
        before=$now
        sleep "$POLL"
    done
    log_move ok
    say "move $number $lpar has arrived on $target after $((took / 60)) min $((took % 60)) s"
    if ((rc != 0 && rc != 255)); then
        tail -n 20 "$answer" | sed 's/^/  | /'
        stop 1 "move $number $lpar has arrived, but migrlpar ended with $rc: read what it says." \
            "If it asks for a recovery, on $source_console: $recover" 'Then run this script again: what has arrived is left out.'
    fi
}

# make MOVE: one move of the lane, from its waits to its arrival.
make() {
    local n
    current=$1
    "move_$1"
    if [[ $by_hand == 1 ]]; then
        if seen_over "$1"; then return; fi
        stop 6 "move $number $lpar, $source to $target, is made by hand: its name, or another in its command, cannot be typed." \
            'Make it in the windows of the console, then go on here with the next, and in lanes that wait for it:' "    --over $number"
    fi
    has_arrived
    case $? in
        0)
            say "move $number $lpar has arrived already: $target"
            return
            ;;
        5) unanswered "move $number $lpar was not begun." ;;
    esac
    for ((n = 0; n < ${#waits[@]}; n += 3)); do
        await "${waits[n]}" "${waits[n + 1]}" "${waits[n + 2]}"
        "move_$1"
    done
    while [[ -n $not_before && $(clock) < $not_before ]]; do
        say "move $number $lpar may not begin before $not_before_at"
        sleep "$POLL"
    done
    in_time
    where_is || unanswered "move $number $lpar was not begun."
    if [[ $here != "$good" || -n $there ]]; then
        stop 6 "move $number $lpar was not begun: it should be $good on $source." \
            "On $source: ${here:-not listed}. On $target: ${there:-not listed}." \
            'In migration: somebody else has begun; run this again when that is over. Stopped, or elsewhere: planner resume.'
    fi
    say "move $number $lpar: validation"
    on "$source_console" "$validate" > "$answer" 2>&1
    case $? in
        0) sed 's/^/  | /' "$answer" ;;
        255) stop 5 "no answer from $source_console: $(tail -n 1 "$answer")" "move $number $lpar was not begun." 'Run this script again when it answers.' ;;
        *)
            sed 's/^/  | /' "$answer"
            stop 3 "move $number $lpar: the validation refused it. Nothing of it was begun." "$remark" \
                "Mend it, then: $0 --from $number" "Or leave it where it is, and hold back: ${held:-nobody}."
            ;;
    esac
    if [[ -n $remark ]]; then say "$remark"; fi
    if [[ -n $advised && $(clock) > $advised ]]; then
        say "later than $advised_at: what follows may not be over by the end of the window"
    fi
    ask_person "Move $number: $lpar from $source to $target now?"
    in_time
    passing
    begun=$(date '+%Y-%m-%d %H:%M:%S') began=$passed
    say "move $number $lpar: $source to $target"
    (
        trap '' HUP
        on "$source_console" "$order"
    ) > "$answer" 2>&1 &
    settle $!
}

# show MOVE: its steps, for --dry-run.
show() {
    local n
    "move_$1"
    printf '\nmove %s %s: %s to %s\n' "$number" "$lpar" "$source" "$target"
    if [[ $by_hand == 1 ]]; then
        printf '  by hand: a name in its command cannot be typed\n'
        return
    fi
    for ((n = 0; n < ${#waits[@]}; n += 3)); do
        "move_${waits[n]}"
        printf '  waits until move %s %s (lane %s) has %s%s\n' "$number" "$lpar" "$lane" "${waits[n + 1]}" "${waits[n + 2]:+: ${waits[n + 2]}}"
    done
    "move_$1"
    if [[ -n $not_before ]]; then printf '  not before %s\n' "$not_before_at"; fi
    if [[ -n $latest ]]; then printf '  not after %s\n' "$latest_at"; fi
    if [[ -n $remark ]]; then printf '  %s\n' "$remark"; fi
    printf '  on %s: %s\n' "$source_console" "$source_query" "$target_console" "$target_query" "$source_console" "$validate" \
        "$source_console" "$order"
    printf '  stopped after %s min: first %s, then %s\n' "$stop_min" "$halt" "$recover"
}

wrong() {
    printf '%s: %s; see --help\n' "$0" "$1" >&2
    exit 2
}

# number_of OPTION VALUE: a number of a move of the plan.
number_of() { case $2 in '' | *[!0-9]*) wrong "$1 takes the number of a move" ;; esac }

while (($#)); do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --yes) yes=1 ;;
        --dry-run) dry=1 ;;
        --from | --over)
            number_of "$1" "${2-}"
            if [[ $1 == --from ]]; then from=$2; else over="$over$2 "; fi
            shift
            ;;
        *) wrong "unknown: $1" ;;
    esac
    shift
done
if [[ -n $from && " ${mine[*]} " != *" $from "* ]]; then wrong "--from $from: this lane has the moves ${mine[*]}"; fi
if ((!dry)); then
    if ! { [[ -s $LOG ]] || printf '%s\n' 'LPAR,Source,Target,Start,End,Result,Memory (GiB),Max memory (GiB),Source mover,Target mover,Link (Mbit/s),Console' >> "$LOG"; } 2> /dev/null; then wrong "the log $LOG cannot be written: LOG=FILE"; fi
    command -v ssh > /dev/null || wrong 'there is no ssh on this machine'
    scratch=${TMPDIR:-/tmp}/lane-$$-$RANDOM
    (umask 077 && mkdir "$scratch") || wrong "no directory can be made in ${TMPDIR:-/tmp}: TMPDIR=DIRECTORY"
    answer=$scratch/answer errors=$scratch/errors
    : > "$errors"
    trap 'code=$?; if ((code != 4 && code != 5 && code != 130)); then rm -rf "$scratch"; fi' EXIT
    trap 'stop 130 "interrupted. What is under way goes on at the console; run this script again: it looks first."' INT TERM
fi

for move in "${mine[@]}"; do
    if [[ -n $from && $move != "$from" ]]; then continue; fi
    from=
    if ((dry)); then show "$move"; else make "$move"; fi
done
if ((!dry)); then say 'all 3 moves of the lane have arrived: tell the lead'; fi
