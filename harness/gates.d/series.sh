# shellcheck shell=bash
# What the exported patches touch.

all_patches() {
	local patches=()
	shopt -s nullglob
	patches=("${build:?}"/series/[0-9]*.patch "$build"/series/test/*.patch)
	shopt -u nullglob
	[ ${#patches[@]} -gt 0 ] || die "there is no patch in build/series"
	printf '%s\n' "${patches[@]}"
}

# series_paths new|touched: files that the series adds, or that it adds and
# changes.
series_paths() {
	local patches
	mapfile -t patches < <(all_patches)
	case $1 in
	new) git apply --summary "${patches[@]}" | awk '$1 == "create" { print $4 }' ;;
	touched) git apply --numstat "${patches[@]}" | cut -f3 ;;
	esac | sort -u
}

# c_files: of the paths on standard input, C that is part of the kernel.
c_files() {
	grep -E '\.[ch]$' | grep -vE '^(tools|samples|scripts|Documentation)/' || true
}
