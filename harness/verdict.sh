# shellcheck shell=bash
# What the steps share: judge the logs of a run.

# verdict RUN LIST [strict]: judges the logs in build/results/RUN by
# harness/expect/LIST.list and, if there is one, LIST.allow; strict: what the list
# allows to be skipped may not be. Where results have no log of their own, the
# kernel's has them.
verdict() {
	local dir=${build:?}/results/$1 list=harness/expect/$2.list ktap args=()
	ktap=$dir/ktap.log
	[ -e "$ktap" ] || ktap=$dir/console.log
	if [ "${3:-}" = strict ]; then
		sed 's/ skip-ok$//' "$list" >"$dir/expect.list"
		list=$dir/expect.list
	fi
	[ ! -e "harness/expect/$2.allow" ] || args+=(--allow "harness/expect/$2.allow")
	harness/judge --ktap "$ktap" --console "$dir/console.log" --status "$dir/status" \
		--expect "$list" "${args[@]}" || quit
}
