# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of lib.sh and of the caller
# make of the kernel, the same everywhere: nothing of this machine, its user or
# its clock gets into an image.

export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026'
export KBUILD_BUILD_USER=ioasid KBUILD_BUILD_HOST=localhost KBUILD_BUILD_VERSION=1
# Set but empty: no "+" for the commits on top of the release.
export LOCALVERSION=
unset KCONFIG_CONFIG KBUILD_OUTPUT MAKEFLAGS MAKELEVEL

cross() {
	[ "$arch" != arm64 ] || [ "$(uname -m)" = aarch64 ] || echo aarch64-linux-gnu-
}

# kmake TARGET...: in the tree $tree for $arch with O=$out.
kmake() {
	local jobs=$jobs
	nice -n 5 make -C "$tree" O="$out" ARCH="$arch" CROSS_COMPILE="$(cross)" -j"$jobs" "$@"
}

compiler_version() {
	"$(cross)gcc" --version | head -n 1 || die "no compiler for $arch: harness/prereq installs it"
	"$(cross)ld" --version | head -n 1
}
