# shellcheck shell=bash
# What every command of the harness shares: where things lie, how it speaks,
# how it fails, and how a step that is interrupted leaves nothing half-made.
#
# Use:  set -euo pipefail; . "$(dirname "$0")/lib.sh"
# The current directory is the top of the repository from then on.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
me=${0##*/}
cd "$top" || exit 1
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

# Where errors go even while a command's output is redirected to a log.
exec {errors}>&2

# A command of the harness that another one runs leaves the last word to it.
nested=${IOASID_HARNESS:-}
export IOASID_HARNESS=1

# Exit status of die() in a subshell: the parent then stops without a second line.
readonly SAID=97
said=
child=
ticker=
exit_actions=()

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

# One clear line, then out. Works in $(...) and in functions too.
die() {
	printf '%s: ERROR: %s\n' "$me" "$*" >&2
	[ "$BASH_SUBSHELL" = 0 ] || exit "$SAID"
	said=1
	exit 1
}

# Leave because a command of ours failed that has already said why.
quit() {
	[ "$BASH_SUBSHELL" = 0 ] || exit "$SAID"
	said=1
	exit 1
}

# at_exit COMMAND [ARG]...: run when this script ends, in any way but SIGKILL.
at_exit() {
	exit_actions+=("$(printf '%q ' "$@")")
}

on_exit() {
	local status=$? last=$BASH_COMMAND i
	trap - EXIT
	trap '' INT TERM HUP
	stop_child
	stop_ticker
	for ((i = ${#exit_actions[@]} - 1; i >= 0; i--)); do
		eval "${exit_actions[i]}" || true
	done
	[ "$status" = "$SAID" ] && exit 1
	if [ "$status" != 0 ] && [ -z "$said" ]; then
		printf '%s: ERROR: stopped with status %s at: %s\n' "$me" "$status" "$last" >&"$errors"
	fi
	exit "$status"
}

on_signal() {
	trap '' INT TERM HUP
	[ -n "$nested" ] ||
		printf '%s: ERROR: interrupted by SIG%s; nothing half-made is kept, run it again to go on\n' "$me" "$1" >&"$errors"
	said=1
	exit "$2"
}

# A child has a process group of its own, so that a signal reaches all of it.
stop_child() {
	[ -n "$child" ] || return 0
	kill -TERM -- "-$child" 2>/dev/null || true
	wait "$child" 2>/dev/null || true
	child=
}

stop_ticker() {
	[ -n "$ticker" ] || return 0
	kill -TERM -- "-$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	ticker=
}

trap on_exit EXIT
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
trap 'on_signal HUP 129' HUP

cache_dir() {
	printf '%s/ioasid\n' "${XDG_CACHE_HOME:-$HOME/.cache}"
}
cache=$(cache_dir)
# shellcheck disable=SC2034 # for the callers
build=$top/build
# shellcheck disable=SC2034
jobs=${JOBS:-$(nproc)}

# run COMMAND...: in the background and waited for, so that a signal is not
# held up until the command ends. Standard input is empty.
run() {
	local status=0
	# A subshell does not inherit traps.
	[ "$BASH_SUBSHELL" = 0 ] || trap 'stop_child; stop_ticker; exit 143' INT TERM HUP
	set -m
	"$@" </dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return "$status"
}

# start_ticker LOG: a sign of life every half minute, so that nobody wonders.
start_ticker() {
	set -m
	(
		trap - EXIT INT TERM HUP
		while sleep 30; do
			say "${what:-} still runs after $((SECONDS - begin)) s: $(tail -n 1 "$1" | cut -c 1-60)"
		done
	) </dev/null &
	ticker=$!
	set +m
}

# run_logged LOG COMMAND...: says what runs ($what) and where the log is; on
# failure one line that says what failed, and before it the end of the log.
run_logged() {
	local log=$1 status=0 begin=$SECONDS what=${what:-$2}
	shift
	mkdir -p "$(dirname "$log")"
	say "$what (log: ${log#"$top"/})"
	: >"$log"
	start_ticker "$log"
	run "$@" >"$log" 2>&1 || status=$?
	stop_ticker
	if [ "$status" != 0 ]; then
		tail -n 15 "$log" | sed 's/^/  | /' >&2
		if no_space "$log"; then
			die "no space left on the disk: $what"
		fi
		die "$what: failed with status $status, see ${log#"$top"/}"
	fi
	say "$what: done in $((SECONDS - begin)) s"
}

# lock NAME: one run at a time does this; held until the script ends.
lock() {
	local fd file=$cache/lock/$1
	mkdir -p "$cache/lock" || die "cannot write to the cache $cache"
	exec {fd}>"$file" || die "cannot write to the cache $cache"
	if ! flock -n "$fd"; then
		say "another run is busy with '$1', waiting for it"
		run flock "$fd" || die "cannot lock $file"
	fi
}

# need_space DIRECTORY MIB: before a big step, not in the middle of it.
need_space() {
	local free
	mkdir -p "$1" || die "cannot make the directory $1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] ||
		die "no space: $1 has $free MiB free, $2 MiB are needed"
}

# no_space LOG: was that the reason? A log on a full disk may not say so.
no_space() {
	local dir
	grep -q 'No space left on device' "$1" && return
	for dir in "$cache" "$build"; do
		[ ! -d "$dir" ] || [ "$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')" -ge 8 ] || return 0
	done
	return 1
}

# temp_beside PATH: a new temporary directory on the same disk, in $temp; gone
# when the script ends. What an earlier run that was killed left is removed,
# so hold a lock that covers PATH.
temp_beside() {
	mkdir -p "$(dirname "$1")"
	rm -rf "$1".tmp.*
	temp=$(mktemp -d "$1.tmp.XXXXXX") || die "cannot write beside $1"
	at_exit rm -rf "$temp"
}

# publish TEMP PATH: the finished thing appears at once or not at all.
publish() {
	rm -rf "$2"
	mv -T "$1" "$2"
}

# key TEXT_ON_STDIN: name of a cache entry.
key() {
	sha256sum | cut -c1-32
}

# value FILE NAME: the value of NAME=value in a small table such as series/base.
value() {
	local v
	v=$(sed -n "s/^$2=//p" "$1")
	[ -n "$v" ] || die "$1 has no $2="
	printf '%s\n' "$v"
}
