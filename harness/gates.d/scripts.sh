# shellcheck shell=bash
# Gates on the harness itself: shellcheck and python.

# harness_scripts bash|python3: scripts of that language in the repository.
harness_scripts() {
	local file first suffix=.sh
	[ "$1" = bash ] || suffix=.py
	find harness .ci -type f -not -path 'harness/corpus/*' | sort |
		while read -r file; do
			first=
			IFS= read -r first <"$file" 2>/dev/null || true
			case $first in
			'#!'*"$1"*) echo "$file" ;;
			*) [[ $file != *"$suffix" ]] || echo "$file" ;;
			esac
		done
}

# What is sourced is followed from the top of the repository and from the file.
check_bash() {
	shellcheck -f gcc -x -P "${top:?}" -P SCRIPTDIR "$@" 2>&1 || true
}

gate_shellcheck() {
	local file files
	need_tool shellcheck gates
	mapfile -t files < <(harness_scripts bash)
	[ ${#files[@]} -gt 0 ] || die "there is no bash script in harness"
	file=$(findings shellcheck)
	check_bash "${files[@]}" >"$file"
	report_clean shellcheck "$file"

	{
		cat "${files[0]}"
		# shellcheck disable=SC2016
		echo 'rm -f $planted_fault'
	} >"${temp:?}/planted.sh"
	file=$(findings shellcheck-planted-fault)
	check_bash "$temp/planted.sh" >"$file"
	report_planted shellcheck "$file" SC2086
}

# Syntax, and what pyflakes finds where it is installed.
check_python() {
	python3 - "$@" <<-'END'
		import sys
		for name in sys.argv[1:]:
		    try:
		        with open(name, encoding="utf-8") as source:
		            compile(source.read(), name, "exec")
		    except (SyntaxError, ValueError) as error:
		        print(f"{name}: {error}")
	END
	! command -v pyflakes3 >/dev/null || pyflakes3 "$@" 2>&1 || true
}

gate_python() {
	local file files
	mapfile -t files < <(harness_scripts python3)
	[ ${#files[@]} -gt 0 ] || die "there is no python script in harness"
	file=$(findings python)
	check_python "${files[@]}" >"$file"
	report_clean python "$file"

	{
		cat "${files[0]}"
		echo 'if planted fault:'
	} >"${temp:?}/planted.py"
	file=$(findings python-planted-fault)
	check_python "$temp/planted.py" >"$file"
	report_planted python "$file" 'invalid syntax'
}
