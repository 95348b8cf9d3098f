# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the variables of lib.sh and of the caller
# The copy that the defects go into, and its kernels.
#
# build/mutate looks like a repository of ours: links to what lies in this one,
# and a build directory of its own with the tree, the kernels and the logs. So
# the commands of the harness work there as they are.

make_scratch() {
	local base_repo path
	mkdir -p "$scratch/build"
	for path in "${top:?}"/*; do
		[ "${path##*/}" = build ] || ln -sfn "$path" "$scratch/${path##*/}"
	done
	tree=$scratch/build/linux
	base_repo=$(harness/base-repo) || quit
	# This also takes back what a run that was killed has left.
	checkout "$tree" "$build/series.git" full
}

# use_kernel RUN: makes the kernel for a run of the table without a defect, from the
# configuration of the real one. Sets $kernel, $arch, $image and $out.
use_kernel() {
	kernel=${1%-prq}
	kernel=${kernel%-stall}
	read -r _ _ arch image _ < <(awk -v n="$kernel" '$1 == n' harness/kernels) ||
		die "there is no kernel $kernel in harness/kernels"
	harness/build-kernel "$kernel" || quit
	[ "$arch" = um ] || harness/build-qemu >/dev/null || quit
	out=$scratch/build/kernel/$kernel
	mkdir -p "$out"
	# Not touched when it is the same: make would go through everything.
	if ! cmp -s "$build/kernel/$kernel/.config" "$out/.config.real"; then
		cp "$build/kernel/$kernel/.config" "$out/.config"
		cp "$out/.config" "$out/.config.real"
	fi
	what="building kernel $kernel without a defect" \
		run_logged "$build/logs/mutate-$kernel.log" build_kernel
}

build_kernel() {
	local made=$image
	case $arch in
	x86_64) made=arch/x86/boot/$image ;;
	arm64) made=arch/arm64/boot/$image ;;
	esac
	rm -f "$out/$image"
	kmake "$image" || return
	[ "$made" = "$image" ] || cp "$out/$made" "$out/$image"
}
