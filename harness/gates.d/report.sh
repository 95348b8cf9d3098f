# shellcheck shell=bash
# How a gate reports. A gate writes its findings, one a line, to a file; an
# empty file means that there are none.

gates_passed=0
gates_failed=0
findings_shown=10

# findings NAME: the file for them, empty.
findings() {
	local file=${build:?}/logs/gate-$1.log
	mkdir -p "${file%/*}"
	: >"$file"
	printf '%s\n' "$file"
}

# report NAME [WHY]: passed if there is no WHY.
report() {
	local number=$((gates_passed + gates_failed + 1))
	if [ -z "${2:-}" ]; then
		gates_passed=$((gates_passed + 1))
		printf 'ok %d %s\n' "$number" "$1"
	else
		gates_failed=$((gates_failed + 1))
		printf 'not ok %d %s # %s\n' "$number" "$1" "$2"
	fi
}

# report_clean NAME FILE: there must be no findings.
report_clean() {
	local count
	count=$(wc -l <"$2")
	if [ "$count" = 0 ]; then
		report "$1"
		return
	fi
	head -n "$findings_shown" "$2" | sed 's/^/# /'
	report "$1" "$count findings, see ${2#"${top:?}"/}"
}

# report_planted NAME FILE PATTERN...: each fault that was planted is found.
report_planted() {
	local name=$1-planted-fault file=$2 pattern
	shift 2
	for pattern; do
		if ! grep -qE -- "$pattern" "$file"; then
			report "$name" "the gate did not find: $pattern"
			return
		fi
	done
	report "$name"
}

# not_allowed FILE: drops findings that FILE has a pattern for, `REGEX # REASON`.
not_allowed() {
	sed -E -e '/^[[:space:]]*(#|$)/d' -e 's/ +# [^#]+$//' "$1" >"${temp:?}/allow"
	grep -vE -f "$temp/allow" || true
}

need_tool() {
	command -v "$1" >/dev/null || die "there is no $1: harness/prereq $2 installs it"
}
