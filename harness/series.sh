# shellcheck shell=bash
# Reads series/list and series/NAME/, and finds what is wrong with them.

# Directories of the repository whose files are kernel files at in-tree paths.
readonly overlay_dirs='arch block certs crypto Documentation drivers fs include init io_uring ipc kernel lib mm net rust samples scripts security sound tools virt'

# series_names fixes|export|test: these patches, in order; the fixes are exported too.
series_names() {
	awk -v want="[$1]" '
		{ sub(/#.*/, ""); gsub(/[ \t]/, "") }
		/^$/ { next }
		/^\[/ { section = $0; next }
		section == want || (want == "[export]" && section == "[fixes]")' series/list
}

# series_files NAME: the overlay paths that patch NAME adds whole.
series_files() {
	[ -e "series/$1/files" ] || return 0
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "series/$1/files"
}

# series_diff_paths NAME: the upstream files that patch NAME changes.
series_diff_paths() {
	[ -e "series/$1/diff" ] || return 0
	git apply --numstat "series/$1/diff" | cut -f3 || die "series/$1/diff is no patch that git can read"
}

# overlay_files: every kernel file that lies in the repository.
overlay_files() {
	local dirs=() d
	for d in $overlay_dirs; do
		[ ! -d "$d" ] || dirs+=("$d")
	done
	[ ${#dirs[@]} -gt 0 ] || return 0
	if [ -e .git ]; then
		git ls-files --cached --others --exclude-standard -- "${dirs[@]}" |
			while read -r d; do [ ! -f "$d" ] || printf '%s\n' "$d"; done
	else
		find "${dirs[@]}" -type f
	fi | sort -u
}

check_list() {
	local bad name d twice
	bad=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' series/list | grep '^\[' | grep -vxE '\[(fixes|export|test)\]' || true)
	[ -z "$bad" ] || die "series/list: there is no section $bad"
	bad=$(awk '{ sub(/#.*/, ""); gsub(/[ \t]/, "") } /^\[/ { exit } NF' series/list)
	[ -z "$bad" ] || die "series/list: '${bad%%$'\n'*}' stands before the first section"
	twice=$({ series_names export; series_names test; } | sort | uniq -d)
	[ -z "$twice" ] || die "series/list: ${twice//$'\n'/, } stands there twice"
	for d in series/*/; do
		name=$(basename "$d")
		[ "$name" != '*' ] || continue
		{ series_names export; series_names test; } | grep -Fx -- "$name" >/dev/null ||
			die "series/$name is in no section of series/list"
	done
}

# check_patch NAME
check_patch() {
	local d=series/$1 subject second
	[[ $1 =~ ^[a-z0-9][a-z0-9.-]*$ ]] || die "series/list: '$1' is no good name for a patch"
	[ -d "$d" ] || die "series/list names $1, but there is no $d/"
	[ -s "$d/message" ] || die "$d/message is missing"
	{ IFS= read -r subject && { IFS= read -r second || true; }; } <"$d/message" || true
	[ -n "$subject" ] || die "$d/message: the first line, the subject, is empty"
	[ -z "$second" ] || die "$d/message: the line after the subject is not blank"
	! grep -qE '^(---|diff -|Index: )' "$d/message" ||
		die "$d/message has a line that git am takes for the start of the patch"
	[ -s "$d/files" ] || [ -s "$d/diff" ] || die "$d has neither files nor diff"
}

# Every kernel file of the repository belongs to exactly one patch.
check_claims() {
	local claimed name lost twice
	claimed=$(for name; do series_files "$name"; done | sort)
	twice=$(uniq -d <<<"$claimed")
	[ -z "$twice" ] || die "more than one patch of the series claims ${twice//$'\n'/, }"
	lost=$(comm -13 <(overlay_files) <(sort -u <<<"$claimed" | sed '/^$/d'))
	[ -z "$lost" ] || die "the series claims files that are not here: ${lost//$'\n'/, }"
	lost=$(comm -23 <(overlay_files) <(sort -u <<<"$claimed"))
	[ -z "$lost" ] || die "no patch of the series claims ${lost//$'\n'/, } (see series/list, series/NAME/files)"
}

series_check() {
	local names=() name
	check_list
	mapfile -t names < <(series_names export; series_names test)
	for name in "${names[@]}"; do
		check_patch "$name"
	done
	check_claims "${names[@]}"
}
