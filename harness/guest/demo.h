/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the demo speaks: KTAP, the story as comments.
 */
#ifndef DEMO_H
#define DEMO_H

#include "../../tools/testing/selftests/iommu/ioasid_look.h"

static unsigned int claims, planned, failed;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	va_list args;

	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static void chapter(const char *title)
{
	say("%s", "");
	say("== %s", title);
}

static void plan(unsigned int n)
{
	planned = n;
	printf("KTAP version 1\n1..%u\n", n);
}

static void claim(bool holds, const char *what)
{
	failed += !holds;
	printf("%sok %u %s\n", holds ? "" : "not ", ++claims, what);
	fflush(stdout);
}

/* Something has to work before any claim can be made */
static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-ret));
	exit(1);
}

static int finish(void)
{
	return failed || claims != planned;
}

static void show_debugfs(const char *title)
{
	static const char * const files[] = { "capacity", "sets", "ids" };
	char text[256];
	unsigned int i;
	FILE *f;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(text, sizeof(text), IOASID_DEBUGFS "%s", files[i]);
		f = fopen(text, "r");
		if (!f)
			return;
		if (!i)
			say("%s", title);
		while (fgets(text, sizeof(text), f)) {
			text[strcspn(text, "\n")] = 0;
			if (*text != '#')
				say("    %s", text);
		}
		fclose(f);
	}
}

#endif /* DEMO_H */
