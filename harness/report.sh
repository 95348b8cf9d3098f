# shellcheck shell=bash
# KTAP for steps that are written in shell.

report_count=0

# expect NAME COMMAND...: reports that the command succeeds. What it prints
# becomes a comment when it does not.
expect() {
	local name=$1 said_by_it
	shift
	report_count=$((report_count + 1))
	if said_by_it=$("$@" 2>&1); then
		printf 'ok %d %s\n' "$report_count" "$name"
	else
		printf 'not ok %d %s\n' "$report_count" "$name"
		sed 's/^/# /' <<<"$said_by_it"
	fi
}
