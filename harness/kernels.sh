# shellcheck shell=bash
# Reads the table harness/kernels.

# kernel_row NAME: sets $tree, $arch, $image and $config (a list of words) of a
# kernel, and $objects, where it is built.
# shellcheck disable=SC2034 # for the caller
kernel_row() {
	read -r tree arch image config < <(
		awk -v n="$1" '$1 == n { $1 = ""; print; exit }' harness/kernels
	) || die "there is no kernel $1 in harness/kernels:$(awk '/^[^#]/ { printf " %s", $1 }' harness/kernels)"
	tree=${build:?}/$tree
	objects=$build/kernel/$1
}

# kernel_entry NAME: the same of one that is built.
kernel_entry() {
	kernel_row "$1"
	[ -e "$objects/$image" ] ||
		die "kernel $1 is not built (harness/build-kernel $1 does it)"
}
