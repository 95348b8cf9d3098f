# shellcheck shell=bash
# KTAP for steps that are written in shell.

report_count=0

# expect NAME COMMAND...: reports whether the command succeeds. What it prints on
# its standard output becomes a comment when it does not.
expect() {
	local name=$1 said_by_it
	shift
	report_count=$((report_count + 1))
	if said_by_it=$("$@"); then
		printf 'ok %d %s\n' "$report_count" "$name"
	else
		printf 'not ok %d %s\n' "$report_count" "$name"
		[ -z "$said_by_it" ] || printf '# %s\n' "${said_by_it//$'\n'/$'\n'# }"
	fi
}
