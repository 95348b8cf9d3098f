# shellcheck shell=bash
# What the steps share: judge the logs of a run.

# verdict RUN LIST [strict]: judges the logs in build/results/RUN by
# harness/expect/LIST.list and, if there is one, LIST.allow; strict: what the list
# allows to be skipped may not be, but for ioasid_boot, which has a run of its
# own; ioasid_attach is not there, because kernels that are judged so know no
# IOMMU. Where results have no log of their own, the kernel's has them.
verdict() {
	local dir=${build:?}/results/$1 list=harness/expect/$2.list ktap args=()
	ktap=$dir/ktap.log
	[ -e "$ktap" ] || ktap=$dir/console.log
	if [ "${3:-}" = strict ]; then
		sed -e '/^ioasid_attach\./d' -e '/^ioasid_boot\./! s/ skip-ok$//' \
			"$list" >"$dir/expect.list"
		list=$dir/expect.list
	fi
	[ ! -e "harness/expect/$2.allow" ] || args+=(--allow "harness/expect/$2.allow")
	harness/judge --ktap "$ktap" --console "$dir/console.log" --status "$dir/status" \
		--expect "$list" "${args[@]}" || quit
}

# run_programs RUN KERNEL PROGRAMS [OPTION...]: boots it with these programs and
# with OPTIONs of harness/boot, and judges by the lists of that name. The unit
# tests of a kernel have their own steps.
run_programs() {
	local run=$1 kernel=$2 programs=$3
	shift 3
	harness/build-kernel "$kernel" || quit
	# The judge sees how far it came.
	harness/boot --kernel "$kernel" --tests "$programs" --append kunit.enable=0 \
		--out "$build/results/$run" "$@" || true
	verdict "$run" "$run"
}

# run_stalls RUN [OPTION...]: the tests of stalls on the emulated SMMUv3, with four
# devices, on a kernel with all checkers, judged.
run_stalls() {
	run_programs "$1" arm64-debug "ioasid_fault ioasid_stall" --stall on \
		--devices "20 20 20 20" --timeout 500 \
		--append "kunit.enable=0 test_timeout=400" "${@:2}"
}

# total: makes one sum of those of several verdicts on standard input.
total() {
	awk '/^[0-9]+ passed, [0-9]+ failed/ { sums++; pass += $1; fail += $3; skip += $5; next }
		{ print }
		END {
			printf "%d passed, %d failed%s\n", pass, fail, skip ? ", " skip " skipped" : ""
			exit fail > 0 || !sums
		}'
}

# run_kunit KERNEL RUN LIST [SUITES [OPTION]]: boots it with four processors, no
# program, and OPTION on the command line, and judges the unit tests that are
# listed in SUITES, those of the core by default, which run by themselves, and by
# LIST what init found afterwards.
run_kunit() {
	local out=${build:?}/results/$2 bad=0
	# That unit tests have run taints a kernel.
	harness/boot --kernel "$1" --tests none --smp 4 --timeout 900 \
		--append "taint_ok=0x40000 ${5:-}" --out "$out" || true
	# The results are in the kernel's log.
	rm -f "$out/init.log"
	[ ! -e "$out/ktap.log" ] || mv "$out/ktap.log" "$out/init.log"
	(verdict "$2" "${4:-uml}") || bad=1
	[ ! -e "$out/init.log" ] || mv "$out/init.log" "$out/ktap.log"
	(verdict "$2" "$3") || bad=1
	return $bad
}
