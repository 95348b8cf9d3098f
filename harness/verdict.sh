# shellcheck shell=bash
# What the steps share: judge the logs of a run.

# verdict RUN LIST: judges the logs in build/results/RUN by harness/expect/LIST.list
# and, if there is one, LIST.allow. Where results have no log of their own, the
# kernel's has them.
verdict() {
	local dir=${build:?}/results/$1 ktap args=()
	ktap=$dir/ktap.log
	[ -e "$ktap" ] || ktap=$dir/console.log
	[ ! -e "harness/expect/$2.allow" ] || args+=(--allow "harness/expect/$2.allow")
	harness/judge --ktap "$ktap" --console "$dir/console.log" --status "$dir/status" \
		--expect "harness/expect/$2.list" "${args[@]}"
}
