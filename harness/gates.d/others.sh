# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the variables of build.sh and of the caller
# Gates for those who have little to do with the series: code without
# CONFIG_IOASID, and IOMMU drivers that do not subscribe. They use the source
# tree of build.sh.

# configure_others FRAGMENT...
configure_others() {
	mkdir -p "$out"
	kmake tinyconfig
	"$tree/scripts/kconfig/merge_config.sh" -m -Q -O "$out" "$out/.config" "$@"
	kmake olddefconfig
}

# Nothing has CONFIG_IOMMU_API, so nothing has CONFIG_IOASID.
gate_stubs() {
	local arch=x86_64 tree=$build/gates/tree out=$build/gates/stubs file log
	log=$build/logs/gate-stubs-make.log
	checkout_tree
	what="configuring without IOASID" \
		run_logged "$build/logs/gate-stubs-config.log" configure_others
	file=$(findings stubs)
	! grep -q '^CONFIG_IOASID=y' "$out/.config" || echo 'CONFIG_IOASID=y' >>"$file"
	cp harness/gates.d/ioasid_stubs.c "$tree/lib/"
	echo 'obj-y += ioasid_stubs.o' >>"$tree/lib/Makefile"
	compile "$log" "$sparse_flags" lib/ioasid_stubs.c
	grep -E ': (warning|error): |: not compiled$' "$log" >>"$file" || true
	run nm "$out/lib/ioasid_stubs.o" | grep ' U ' | grep 'ioasid' >>"$file" || true
	functions_without_call >>"$file"
	report_clean stubs "$file"

	# A function that has no stub.
	sed -i 's/static inline int ioasid_set_resize/static inline int planted_resize/' \
		"$tree/include/linux/ioasid.h"
	file=$(findings stubs-planted-fault)
	compile "$log" "$sparse_flags" lib/ioasid_stubs.c
	grep -E ': (warning|error): |: not compiled$' "$log" >"$file" || true
	report_planted stubs "$file" 'ioasid_set_resize'
	run g "$tree" reset -q --hard
	rm -f "$tree/lib/ioasid_stubs.c"
}

# Each function of the header is called by the file.
functions_without_call() {
	sed '/^#else/q' "$tree/include/linux/ioasid.h" |
		grep -oE '\bioasid_[a-z_]+\(' | sort -u |
		while read -r name; do
			grep -qF "$name" harness/gates.d/ioasid_stubs.c || echo "$name) is not called"
		done
}

gate_others() {
	local arch=x86_64 tree=$build/gates/tree out=$build/gates/others file log fragment files=()
	log=$build/logs/gate-others-make.log
	checkout_tree
	for fragment in x86 vtd ioasid gate-others; do
		files+=("$top/configs/$fragment.config")
	done
	what="configuring other IOMMU drivers" \
		run_logged "$build/logs/gate-others-config.log" configure_others "${files[@]}"
	file=$(findings others)
	say "compiling other IOMMU drivers (log: ${log#"$top"/})"
	run kmake -k drivers/iommu/amd/ drivers/iommu/riscv/ >"$log" 2>&1 || echo "they do not compile" >>"$file"
	grep -E ': (warning|error): ' "$log" >>"$file" || true
	for fragment in amd/iommu riscv/iommu; do
		[ -e "$out/drivers/iommu/$fragment.o" ] || echo "$fragment.c: not compiled" >>"$file"
	done
	report_clean others "$file"
}
