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

static void show_debugfs_file(const char *name)
{
	char text[256];
	FILE *f;

	snprintf(text, sizeof(text), IOASID_DEBUGFS "%s", name);
	f = fopen(text, "r");
	if (!f)
		return;
	while (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = 0;
		if (*text != '#')
			say("    %s", text);
	}
	fclose(f);
}

static void show_debugfs(const char *title)
{
	if (access(IOASID_DEBUGFS, F_OK))
		return;
	say("%s", title);
	show_debugfs_file("capacity");
	show_debugfs_file("sets");
	show_debugfs_file("ids");
}

#endif /* DEMO_H */
