# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of lib.sh and of the caller
# Git plumbing of assemble: repositories that see the pristine base, and the
# patches of the series as commits, made without a checkout. Uses $base_repo,
# $temp (a scratch directory) and $temp/commits, the repository they go to.

# No clock, user or settings of this machine get into a commit.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME='IOASID series' GIT_AUTHOR_EMAIL='ioasid@localhost.invalid'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
export GIT_AUTHOR_DATE='1767225600 +0000' GIT_COMMITTER_DATE='1767225600 +0000'

# g DIRECTORY ARG...: git there, with no background work and no advice.
g() {
	git -C "$1" -c gc.auto=0 -c advice.detachedHead=false -c core.autocrlf=false "${@:2}"
}

# new_repo DIRECTORY [--bare]: an empty repository that sees the pristine base.
new_repo() {
	local git=$1
	git init -q "${@:2}" "$1"
	[ ! -d "$1/.git" ] || git=$1/.git
	printf '%s/objects\n' "$base_repo" >"$git/objects/info/alternates"
}

# git_error LOG: the line of LOG that says what was wrong.
git_error() {
	grep -m 1 -E '^(error|fatal|Patch failed)' "$1" | sed -E 's/^(error|fatal): //' || tail -n 1 "$1"
}

# commit PARENT NAME: patch NAME of the series on top of PARENT; prints the commit.
commit() {
	local file mode blob
	if [ -e "series/$2/diff" ]; then
		g "$temp/commits" apply --cached --whitespace=error-all "$top/series/$2/diff" 2>"$temp/log" ||
			die "series/$2/diff does not apply: $(git_error "$temp/log")"
	fi
	while read -r file; do
		if [ -n "$(g "$temp/commits" ls-files -- "$file")" ]; then
			die "$file is in upstream's tree already: series/$2 cannot add it whole"
		fi
		mode=100644
		[ ! -x "$file" ] || mode=100755
		blob=$(g "$temp/commits" hash-object -w --no-filters "$top/$file")
		g "$temp/commits" update-index --add --cacheinfo "$mode,$blob,$file"
	done < <(series_files "$2")
	git stripspace <"series/$2/message" >"$temp/message"
	g "$temp/commits" commit-tree -p "$1" -F "$temp/message" \
		"$(g "$temp/commits" write-tree)"
}

# commits PARENT NAME...: several of them; prints the last.
commits() {
	local tip=$1 name next
	g "$temp/commits" read-tree "$tip"
	for name in "${@:2}"; do
		next=$(commit "$tip" "$name") || quit
		if g "$temp/commits" diff-tree --quiet "$tip" "$next"; then
			die "series/$name changes nothing"
		fi
		tip=$next
	done
	printf '%s\n' "$tip"
}

# checkout DIRECTORY REPOSITORY COMMIT: DIRECTORY becomes COMMIT of REPOSITORY.
# Only files that differ are written, so that make builds only those again.
checkout() {
	local dir=$1 log=$temp/log
	if [ ! -e "$dir/.git/ioasid" ]; then
		need_space "$build" 2000
		rm -rf "$dir"
		say "checking out ${dir#"$top"/}, once"
		new_repo "$dir"
		: >"$dir/.git/ioasid"
	fi
	# Our lock is held, so a lock of git is left from a run that was killed.
	rm -f "$dir"/.git/*.lock
	printf '%s/objects\n' "$base_repo" >"$dir/.git/objects/info/alternates"
	if ! run g "$dir" fetch -q "$2" "$3" 2>"$log" ||
		! g "$dir" update-ref --no-deref HEAD FETCH_HEAD 2>>"$log" ||
		! run g "$dir" reset -q --hard 2>>"$log" ||
		! run g "$dir" clean -ffdxq 2>>"$log"; then
		die "${dir#"$top"/} cannot be checked out: $(git_error "$log")"
	fi
}
