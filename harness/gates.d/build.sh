# shellcheck shell=bash
# Gates that compile: gcc with W=1 and sparse, one build an architecture with
# the files that the series adds or changes and no others.
#
# It has a source tree of its own, build/gates/tree, in which faults are planted
# and upstream's text is put for comparison.

. harness/kbuild.sh
. harness/commits.sh

# Debian's sparse 0.6.4 does not know __typeof_unqual__. kbuild then turns
# checking off and goes on, so every file has to have its CHECK line.
readonly sparse_flags='CF=-D__typeof_unqual__=__typeof__'
readonly planted_file=drivers/iommu/ioasid.c

# Fragments of configs/ that switch on all that the series touches.
gate_fragments() {
	case $1 in
	x86_64) echo x86 vtd ioasid testdev kunit iommufd-selftest ;;
	arm64) echo arm64 arm64-smmu ioasid testdev kunit iommufd-selftest gate-arm64 ;;
	esac
}

# for_arch: of the paths on standard input, those that $arch compiles.
for_arch() {
	case $arch in
	x86_64) grep -vE '^(arch/arm64|drivers/iommu/arm)/' ;;
	arm64) grep -vE '^(arch/x86|drivers/iommu/intel|drivers/dma/idxd)/' ;;
	esac || true
}

# tree_patterns: the part of the tree that configuring and compiling need: a
# fifth of it, and quickly on the disk.
tree_patterns() {
	printf '%s\n' /COPYING 'Makefile*' 'Kbuild*' 'Kconfig*' /include/ /arch/x86/ /arch/arm64/ \
		/scripts/ /kernel/ /lib/ /mm/ /init/ /usr/ /virt/ /tools/arch/ /tools/build/ \
		/tools/docs/ /tools/include/ /tools/lib/ /tools/objtool/ /tools/scripts/
	series_paths touched | c_files | awk -F/ '{ print "/" $1 "/" $2 "/" }' | sort -u
}

checkout_tree() {
	local base_repo patterns
	base_repo=$(harness/base-repo) || quit
	patterns=$(tree_patterns)
	if [ ! -e "$tree/.git/ioasid" ]; then
		rm -rf "$tree"
		new_repo "$tree"
		: >"$tree/.git/ioasid"
	fi
	if [ "$(cat "$tree/.git/info/sparse-checkout" 2>/dev/null)" != "$patterns" ]; then
		g "$tree" sparse-checkout set --no-cone --stdin <<<"$patterns"
	fi
	checkout "$tree" "$build/series.git" full
}

configure_gate() {
	local fragment files=()
	for fragment in $(gate_fragments "$arch"); do
		[ ! -e "configs/$fragment.config" ] || files+=("$top/configs/$fragment.config")
	done
	mkdir -p "$out"
	kmake tinyconfig
	"$tree/scripts/kconfig/merge_config.sh" -m -Q -O "$out" "$out/.config" "${files[@]}"
	kmake olddefconfig
}

# compile LOG FLAG FILE...: the objects of these files anew. A file that does
# not compile shows as an error in the log.
compile() {
	local log=$1 flag=$2 objects object
	shift 2
	objects=("${@/%.c/.o}")
	(cd "$out" && rm -f "${objects[@]}")
	run kmake -k W=1 C=2 "$flag" "${objects[@]}" >"$log" 2>&1 || true
	for object in "${objects[@]}"; do
		[ -e "$out/$object" ] || printf '%s: not compiled\n' "$object"
	done >>"$log"
}

# compiler_findings LOG PATHS: warnings of gcc and of kernel-doc, which W=1 runs
# as well, in these paths, and files that do not compile.
compiler_findings() {
	sed "s,$tree/,,g" "$1" | awk -F: -v paths="$2" '
		BEGIN { while ((getline line <paths) > 0) ours[line] = 1 }
		/: not compiled$/ || (($1 in ours) && /: warning: .*\[-W/)
		/^Warning: / { path = $2; sub(/^ /, "", path); if (path in ours) print }' | sort -u
}

# sparse_findings LOG PATHS: what sparse says about these paths, and files that
# it has not looked at.
sparse_findings() {
	sed "s,$tree/,,g" "$1" | awk -F: -v paths="$2" '
		BEGIN { while ((getline line <paths) > 0) ours[line] = 1 }
		/^ +CHECK / { n = split($0, word, " "); seen[word[n]] = 1 }
		($1 in ours) && /: (warning|error): / && !/\[-W/
		END { for (path in ours) if (path ~ /\.c$/ && !(path in seen)) print path ": sparse did not look at it" }' |
		sort -u | with_text | not_allowed harness/gates.d/sparse.allow
}

# with_text: adds to each finding the line of source that it is about.
with_text() {
	local finding path line _
	while IFS= read -r finding; do
		IFS=: read -r path line _ <<<"$finding"
		[[ ! $line =~ ^[0-9]+$ ]] || finding+=": $(sed -n "${line}p" "$tree/$path")"
		printf '%s\n' "$finding"
	done
}

# only_new FILE BEFORE: takes out of FILE what occurs in BEFORE as often. Lines
# and columns do not count, they change with the text around. That something was
# not looked at is never old.
only_new() {
	awk -v before="$2" '
		function placeless(line) { sub(/:[0-9]+(:[0-9]+:)? /, ": ", line); return line }
		BEGIN { while ((getline line <before) > 0) known[placeless(line)]++ }
		/: not compiled$|: sparse did not look at it$/ || known[placeless($0)]-- <= 0' "$1" >"$temp/new"
	cat "$temp/new" >"$1"
}

# upstream_findings FILE...: compiles upstream's text of the files that the
# series changes, to tell what was there before. Fills $temp/before.*.
upstream_findings() {
	local path base log=$build/logs/gate-$arch-upstream-make.log
	base=$(git -C "$build/series.git" rev-parse base)
	while read -r path; do
		rm -f "$tree/$path"
		g "$tree" show "$base:$path" >"$tree/$path"
	done <"$temp/upstream"
	compile "$log" "$sparse_flags" "$@"
	compiler_findings "$log" "$temp/upstream" >"$temp/before.w1"
	sparse_findings "$log" "$temp/upstream" >"$temp/before.sparse"
	run g "$tree" reset -q --hard
}

# without_old_findings W1 SPARSE: takes out of both what upstream has as well.
without_old_findings() {
	local files
	cat "$@" | sed 's/^Warning: //' | cut -d: -f1 | sort -u | comm -12 - "$temp/upstream" >"$temp/noisy"
	mapfile -t files < <(grep '\.c$' "$temp/noisy")
	[ ${#files[@]} -gt 0 ] || return 0
	upstream_findings "${files[@]}"
	only_new "$1" "$temp/before.w1"
	only_new "$2" "$temp/before.sparse"
}

# plant: one fault for each kind of check that can fall asleep.
plant() {
	cat >>"$tree/$planted_file" <<-'END'

		#include <linux/rcupdate.h>
		static int __rcu *planted_pointer;
		static const int planted_const = 1;
		static int __maybe_unused planted_fault(void)
		{
			int planted_variable;

			planted_variable = 1;
			return *planted_pointer;
		}
	END
}

# planted_faults: the same functions, on a file with faults in it.
planted_faults() {
	local log=$build/logs/gate-$arch-planted-make.log file
	echo "$planted_file" >"$temp/planted"
	plant
	compile "$log" "$sparse_flags" "$planted_file"
	file=$(findings "w1-$arch-planted-fault")
	compiler_findings "$log" "$temp/planted" >"$file"
	report_planted "w1-$arch" "$file" 'planted_const.*-Wunused-const-variable' \
		'planted_variable.*-Wunused-but-set-variable'
	file=$(findings "sparse-$arch-planted-fault")
	sparse_findings "$log" "$temp/planted" >"$file"
	report_planted "sparse-$arch" "$file" 'dereference of noderef expression'
	# As if the checker was of no use: kbuild says so and succeeds.
	compile "$log" CHECK=there-is-no-such-checker "$planted_file"
	sparse_findings "$log" "$temp/planted" >"$file"
	report_planted "sparse-$arch-asleep" "$file" 'sparse did not look at it'
	run g "$tree" reset -q --hard
}

# gate_build ARCHITECTURE
gate_build() {
	local arch=$1 tree=$build/gates/tree out=$build/gates/$1 log files w1 sparse
	need_tool sparse gates
	need_tool "$(cross)gcc" arm64
	need_space "$build" 3000
	checkout_tree
	what="configuring $arch" run_logged "$build/logs/gate-$arch-config.log" configure_gate
	series_paths touched | c_files | for_arch >"$temp/touched"
	series_paths new | comm -23 "$temp/touched" - >"$temp/upstream"
	mapfile -t files < <(grep '\.c$' "$temp/touched")
	log=$build/logs/gate-$arch-make.log
	say "compiling ${#files[@]} files for $arch (log: ${log#"$top"/})"
	compile "$log" "$sparse_flags" "${files[@]}"
	w1=$(findings "w1-$arch") sparse=$(findings "sparse-$arch")
	compiler_findings "$log" "$temp/touched" >"$w1"
	sparse_findings "$log" "$temp/touched" >"$sparse"
	without_old_findings "$w1" "$sparse"
	report_clean "w1-$arch" "$w1"
	report_clean "sparse-$arch" "$sparse"
	planted_faults
}
