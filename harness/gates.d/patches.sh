# shellcheck shell=bash
# Gates on the text of the series: checkpatch and kernel-doc.

# What cannot apply here, and nothing else: a sign-off is a person's statement,
# and who maintains the new files is to be settled with the maintainers. Single
# lines are in checkpatch.allow.
readonly checkpatch_ignore=MISSING_SIGN_OFF,NO_AUTHOR_SIGN_OFF,FILE_PATH_CHANGES

# checkpatch PATCH...: prints findings with the line that each is about.
checkpatch() {
	local patch out status
	for patch; do
		status=0
		# Without a repository it takes the commits that a message names on
		# trust: ours has no history of upstream.
		out=$(cd "${tree:?}" && GIT_DIR=/nonexistent perl scripts/checkpatch.pl --strict \
			--terse --no-summary --show-types --ignore "$checkpatch_ignore" "$patch" 2>&1) || status=$?
		if [ "$status" != 0 ] && [ -z "$out" ]; then
			out="$patch: checkpatch ended with status $status"
		fi
		printf '%s\n' "$out" | awk -F: -v patch="$patch" -v name="${patch#"${build:?}"/}" '
			BEGIN { while ((getline text <patch) > 0) line[++n] = text }
			NF { sub(patch, name); print $0 ($2 in line ? ": " line[$2] : "") }'
	done | not_allowed harness/gates.d/checkpatch.allow
}

gate_checkpatch() {
	local file patches planted
	need_tool perl base
	mapfile -t patches < <(all_patches)
	file=$(findings checkpatch)
	checkpatch "${patches[@]}" >"$file"
	report_clean checkpatch "$file"

	file=$(findings checkpatch-planted-fault)
	planted=${temp:?}/planted.patch
	awk '!done && /^\+\t.*;$/ { $0 = $0 " "; done = 1 } { print }' "${patches[@]}" >"$planted"
	checkpatch "$planted" >"$file"
	report_planted checkpatch "$file" TRAILING_WHITESPACE
}

# kernel_doc FILE...: prints findings. Tests and drivers may well have no
# structured comment at all.
kernel_doc() {
	"${tree:?}/scripts/kernel-doc" -none -Wreturn "$@" 2>&1 | sort -u |
		sed "s,$tree/,," | grep -v 'no structured comments found' || true
}

# exports_without_doc FILE...: prints exported functions that no comment describes.
exports_without_doc() {
	awk 'FNR == 1 { delete doc }
		/^ \* [A-Za-z_0-9]+\(\)/ { name = $2; sub(/\(.*/, "", name); doc[name] = 1 }
		/^EXPORT_SYMBOL(_GPL|_FOR_[A-Z]+)?\(/ {
			name = $0; sub(/^[^(]*\(/, "", name); sub(/[,)].*/, "", name)
			if (!(name in doc)) print FILENAME ":" FNR ": " name " is exported and not described"
		}' "$@" | sed "s,${tree:?}/,,"
}

gate_kernel_doc() {
	local file files
	mapfile -t files < <(series_paths new | grep -E '\.[ch]$' | sed "s,^,${tree:?}/,")
	[ ${#files[@]} -gt 0 ] || die "the series adds no C file"
	file=$(findings kernel-doc)
	{
		kernel_doc "${files[@]}"
		exports_without_doc "${files[@]}"
	} >"$file"
	report_clean kernel-doc "$file"

	plant_kernel_doc "${files[@]}"
	file=$(findings kernel-doc-planted-fault)
	{
		kernel_doc "${temp:?}/planted.c"
		exports_without_doc "$temp/planted.c"
	} >"$file"
	report_planted kernel-doc "$file" 'No description found for return value' \
		'is exported and not described'
}

# The file with most to lose, without its Return sections and with an export
# that nobody described.
plant_kernel_doc() {
	local victim
	victim=$(grep -c '^ \* Return:' "$@" | sort -t: -k2 -n | tail -n 1 | cut -d: -f1)
	{
		sed 's/^ \* Return:.*/ * It gives something back./' "$victim"
		echo 'EXPORT_SYMBOL_GPL(planted_export);'
	} >"${temp:?}/planted.c"
}
