/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The misc cgroup, for tests that limit PASIDs with it.
 *
 * Functions return 0 or a negative error number unless they say more.
 */
#ifndef __SELFTEST_IOASID_CG_H
#define __SELFTEST_IOASID_CG_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CGROUPS		"/tmp/cgroup"

static inline int cg_open(const char *group, const char *file, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), CGROUPS "/%s/%s", group, file);
	return open(path, flags);
}

static inline int cg_write(const char *group, const char *file, const char *text)
{
	int fd = cg_open(group, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : 0;
}

/* The number behind @key in a file of "key number" lines, -1 if there is none */
static inline long cg_read(const char *group, const char *file, const char *key)
{
	int fd = cg_open(group, file, O_RDONLY);
	char text[512], *line, *save;
	long value = -1;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -1;
	text[n] = 0;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, key, strlen(key)) &&
		    line[strlen(key)] == ' ')
			value = strtol(line + strlen(key), NULL, 0);
	return value;
}

static inline long cg_current(const char *group)
{
	return cg_read(group, "misc.current", "ioasid");
}

static inline int cg_move(const char *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cg_write(group, "cgroup.procs", text);
}

/* The groups below CGROUPS have the misc controller */
static inline int cg_mount(void)
{
	mkdir(CGROUPS, 0755);
	if (mount("cgroup2", CGROUPS, "cgroup2", 0, NULL))
		return -errno;
	return cg_write(".", "cgroup.subtree_control", "+misc");
}

#endif /* __SELFTEST_IOASID_CG_H */
