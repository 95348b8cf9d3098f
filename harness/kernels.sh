# shellcheck shell=bash
# Reads the table harness/kernels.

# kernel_entry NAME: sets $tree, $arch and $image of a kernel, and $objects,
# where it is built.
# shellcheck disable=SC2034 # for the caller
kernel_entry() {
	read -r tree arch image _ < <(
		awk -v n="$1" '$1 == n { $1 = ""; print; exit }' harness/kernels
	) || die "there is no kernel $1 in harness/kernels"
	tree=${build:?}/$tree
	objects=$build/kernel/$1
	[ -e "$objects/$image" ] ||
		die "kernel $1 is not built (harness/build-kernel $1 does it)"
}
