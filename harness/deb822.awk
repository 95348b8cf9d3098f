# Reads an apt .sources file and prints one "URI SUITE COMPONENT..." a line for
# each enabled entry of binary packages.

function flush(	i, j, nu, ns, u, s) {
	if (field["types"] ~ /(^| )deb( |$)/ && field["enabled"] !~ /^ *(no|false|without|off|disable)/) {
		nu = split(field["uris"], u, " ")
		ns = split(field["suites"], s, " ")
		for (i = 1; i <= nu; i++)
			for (j = 1; j <= ns; j++)
				print u[i], s[j], field["components"]
	}
	split("", field)
	name = ""
}

/^#/ { next }
/^[ \t]*$/ { flush(); next }
/^[ \t]/ { field[name] = field[name] " " $0; next }
{
	name = tolower($0)
	sub(/[ \t]*:.*/, "", name)
	sub(/^[^:]*:[ \t]*/, "")
	field[name] = tolower(name) == "enabled" ? tolower($0) : $0
	gsub(/[ \t]+/, " ", field[name])
}
END { flush() }
