# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of lib.sh and of the caller
# Runs a test on the kernel of the copy, with or without a defect.

# run_tests RUN PATTERN DIR: PATTERN is a glob of KUnit cases for uml, the names
# of programs for the others. Leaves logs in DIR.
run_tests() {
	rm -rf "$3"
	mkdir -p "$3"
	case $1 in
	uml) run "$scratch/harness/run-uml" uml "$3" 60 "kunit.filter_glob=$2" ;;
	x86 | x86-selftest | arm64) run "$scratch/harness/boot" --kernel "$1" --tests "$2" --devices "20 8 20 20 20" --out "$3" ;;
	x86-prq)
		run "$scratch/harness/boot" --kernel x86 --tests "$2" --out "$3" \
			--pri on --devices "20 20 20 20"
		;;
	arm64-stall)
		run "$scratch/harness/boot" --kernel arm64 --tests "$2" --out "$3" \
			--stall on --devices "20 20 20 20"
		;;
	esac >"$3/run.log" 2>&1 || true
}

# pattern RUN TEST...: what runs these tests.
pattern() {
	case $1 in
	uml) if [ $# = 2 ]; then cut -d. -f1,2 <<<"$2"; else echo 'ioasid*'; fi ;;
	x86* | arm64*) printf '%s\n' "${@:2}" | cut -d. -f1 | sort -u | paste -sd' ' ;;
	esac
}

# judge_run DIR TEST...: what the judge says about the logs there.
judge_run() {
	local dir=$1 ktap=$1/ktap.log
	[ -e "$ktap" ] || ktap=$dir/console.log
	printf '%s\n' "${@:2}" >"$dir/expect"
	harness/judge --ktap "$ktap" --console "$dir/console.log" --status "$dir/status" \
		--expect "$dir/expect" >"$dir/verdict" || true
}

# without_defect RUN: which of the named tests pass as it is? Those that do not
# can kill nothing; they go to $unusable.
without_defect() {
	local dir=$build/logs/mutate/$1 tests test
	mapfile -t tests < <(printf '%s\n' "${mutations[@]}" | awk -v r="$1" '$2 == r { print $4 }' | sort -u)
	say "running ${#tests[@]} tests on kernel $1 without a defect"
	run_tests "$1" "$(pattern "$1" "${tests[@]}")" "$dir"
	judge_run "$dir" "${tests[@]}"
	for test in "${tests[@]}"; do
		grep -qE "^ok [0-9]+ ${test//./\\.}\$" "$dir/verdict" || unusable+=(["$test"]=1)
	done
}

# trial NAME RUN FILE TEST: prints why the defect was not killed, if it was not.
trial() {
	local name=$1 dir=$build/logs/mutate/$1 why
	mkdir -p "$dir"
	if ! why=$(mutation apply "harness/mutations/$name" "$tree" 2>&1); then
		echo "$why"
		return
	fi
	say "$name"
	if run build_kernel >"$dir.make.log" 2>&1; then
		run_tests "$2" "$(pattern "$2" "$4")" "$dir"
		judge_run "$dir" "$4"
		survival "$dir" "$4"
	else
		echo "does not compile, see ${dir#"$top"/}.make.log"
	fi
	g "$tree" checkout -q -f HEAD -- "$3"
}

# survival DIR TEST: prints why the test did not fail, if so.
survival() {
	if grep -q 'no KTAP version line' "$1/verdict"; then
		echo "the kernel did not come to the tests, see ${1#"$top"/}"
	elif grep -qE "^ok [0-9]+ ${2//./\\.}( |\$)" "$1/verdict"; then
		echo "SURVIVED $2"
	elif ! grep -qE "^not ok [0-9]+ ${2//./\\.}( |\$)" "$1/verdict"; then
		echo "the judge says nothing about $2, see ${1#"$top"/}"
	fi
}
