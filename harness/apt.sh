# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables of lib.sh and of the caller
# A private apt: its own list of sources, index, downloads and (empty) status.
# It uses the mirror that the machine's own apt uses and never changes the
# machine's. Verified with Debian's keyring.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The sources of the machine's apt, one "URI SUITE COMPONENT..." a line.
apt_sources() {
	local list='' parts='' f
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	for f in "$list" "${parts%/}"/*.list; do
		[ -r "$f" ] || continue
		sed -n -E 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]*)?([^#]*).*/\2/p' "$f"
	done
	for f in "${parts%/}"/*.sources; do
		[ -r "$f" ] || continue
		awk -f harness/deb822.awk "$f"
	done
}

# The mirror: what serves this release's main section.
apt_mirror() {
	local codename
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	apt_sources | awk -v code="$codename" '
		$1 !~ /^cdrom:/ && ($2 == code || $2 == "stable" || $2 == "oldstable") {
			for (i = 3; i <= NF; i++)
				if ($i == "main") { print $1; exit }
		}'
}

# apt_open NAME LINE...: make the private state NAME with these sources, each
# "deb SUITE" or "deb-src SUITE", and read the mirror's index. Sets $apt_conf.
apt_open() {
	local dir=$cache/apt/$1 mirror entry name=$1
	shift
	command -v apt-get >/dev/null ||
		die "apt-get is not here: this needs Debian, or KERNEL_SRC= and QEMU_SRC="
	mirror=$(apt_mirror)
	[ -n "$mirror" ] ||
		die "no mirror: none of this machine's apt sources serves Debian's main section; KERNEL_SRC= and QEMU_SRC= do without"
	[ -r "$keyring" ] || die "Debian's keyring is missing: apt-get install debian-archive-keyring"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/sources.list"
	for entry; do
		printf '%s [signed-by=%s] %s %s main\n' \
			"${entry% *}" "$keyring" "$mirror" "${entry#* }" >>"$dir/sources.list"
	done
	apt_conf=$dir/apt.conf
	cat >"$apt_conf" <<-CONF
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear APT::NeverAutoRemove;
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "-";
		Dir::State::lists "$dir/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$dir/cache";
		APT::Architecture "amd64";
		APT::Architectures "amd64";
		APT::Sandbox::User "$(id -un)";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Acquire::Retries "2";
		Acquire::http::Timeout "30";
		Acquire::https::Timeout "30";
	CONF
	if ! run apt-get -q -c "$apt_conf" update >"$dir/log" 2>&1; then
		apt_failed "$dir/log" "the mirror's index ($name) cannot be read"
	fi
}

# apt_failed LOG WHAT: turn what apt said into one line.
apt_failed() {
	local why
	if no_space "$1"; then
		die "no space left on the disk: $2"
	fi
	why=$(grep -m 1 '^E:' "$1" || grep -m 1 '^W:' "$1" || true)
	if grep -q NO_PUBKEY "$1"; then
		why="its key is not in Debian's keyring here: apt-get install debian-archive-keyring"
	fi
	die "$2: ${why:-see $1}"
}

# apt_get DIRECTORY WHAT ARG...: a download of apt-get into DIRECTORY.
apt_get() {
	local dir=$1 what=$2 log=${apt_conf%/*}/log
	shift 2
	# In a subshell of its own: apt-get leaves what it gets in the current directory.
	if ! run env -C "$dir" apt-get -q -c "$apt_conf" "$@" >"$log" 2>&1; then
		apt_failed "$log" "$what cannot be downloaded"
	fi
}

# apt_versions PACKAGE: the versions of a binary package on the mirror, newest first.
apt_versions() {
	{ apt-cache -c "$apt_conf" show "$1" 2>/dev/null || true; } |
		sed -n 's/^Version: //p' | sort -Vru
}

# apt_source_versions PACKAGE: the same of a source package.
apt_source_versions() {
	{ apt-cache -c "$apt_conf" showsrc "$1" 2>/dev/null || true; } |
		awk -v p="$1" '/^Package: / { ok = $2 == p } ok && /^Version: / { print $2 }' |
		sort -Vru
}
