// SPDX-License-Identifier: GPL-2.0
/*
 * IOASID KUnit suites "ioasid_debugfs": what a person sees, and "ioasid_boot":
 * what the command line gives to the host.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/uaccess.h>

#include "ioasid_kunit.h"

/* All of the files are shorter here; a read gets a part of it */
#define TEXT_SIZE	(64 * 1024)
#define READ_SIZE	PAGE_SIZE

static void unmount(void *arg)
{
	kern_unmount(arg);
}

static void close_file(void *arg)
{
	fput(arg);
}

static struct file *open_file(struct kunit *test, const char *name)
{
	struct file_system_type *type = get_fs_type("debugfs");
	struct vfsmount *mnt;
	struct file *file;
	char path[32];

	if (!type)
		kunit_skip(test, "needs debugfs");
	mnt = kern_mount(type);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mnt);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unmount, mnt), 0);

	snprintf(path, sizeof(path), "ioasid/%s", name);
	file = file_open_root_mnt(mnt, path, O_RDONLY, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, close_file, file), 0);
	return file;
}

/* The whole file, as a process reads it: in parts, to memory of its own */
static char *read_file(struct kunit *test, const char *name)
{
	struct file *file = open_file(test, name);
	char __user *user;
	unsigned long addr;
	size_t size = 0;
	loff_t pos = 0;
	char *text;

	text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	addr = kunit_vm_mmap(test, NULL, 0, READ_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_LT(test, addr, (unsigned long)TASK_SIZE);
	user = (char __user *)addr;

	for (;;) {
		ssize_t n = file->f_op->read(file, user, READ_SIZE, &pos);

		KUNIT_ASSERT_GE(test, n, 0);
		KUNIT_ASSERT_LT(test, size + n, (size_t)TEXT_SIZE);
		if (!n)
			return text;
		KUNIT_ASSERT_EQ(test, copy_from_user(text + size, user, n), 0);
		size += n;
	}
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, line, len) && text[len] == '\n')
			return true;
	}
	return false;
}

/* The line must be there, or with @there false must not */
static void __printf(4, 5) expect_line(struct kunit *test, const char *text,
				       bool there, const char *fmt, ...)
{
	va_list args;
	char *line;

	va_start(args, fmt);
	line = kvasprintf(GFP_KERNEL, fmt, args);
	va_end(args);
	KUNIT_ASSERT_NOT_NULL(test, line);
	KUNIT_EXPECT_EQ_MSG(test, has_line(text, line), there, "'%s' in:\n%s",
			    line, text);
	kfree(line);
}

static unsigned int last_serial(struct kunit *test)
{
	const char *line = read_file(test, "sets");
	unsigned int serial, last = 0;

	for (; line; line = strchr(line + 1, '\n'))
		if (sscanf(line, "\nset=%u ", &serial) == 1)
			last = max(last, serial);
	return last;
}

struct capacity {
	unsigned int total;
	unsigned int committed;
	unsigned int user_committed;
	unsigned int user_max;
};

static struct capacity read_capacity(struct kunit *test)
{
	struct capacity c = {};
	int n;

	n = sscanf(read_file(test, "capacity"),
		   "total=%u committed=%u user_committed=%u user_max=%u\n",
		   &c.total, &c.committed, &c.user_committed, &c.user_max);
	KUNIT_ASSERT_EQ(test, n, 4);
	return c;
}

static void capacity(struct kunit *test)
{
	struct capacity before = read_capacity(test), c;

	KUNIT_EXPECT_EQ(test, before.total, ik_total());
	ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 5);
	ik_set_of(test, IOASID_SET_TYPE_MM, ik_mm(test), 3);
	ik_alloc(test, ik_set(test), 1, -1U);

	c = read_capacity(test);
	KUNIT_EXPECT_EQ(test, c.total, before.total);
	KUNIT_EXPECT_EQ(test, c.committed, before.committed + 5 + 3 + 1);
	KUNIT_EXPECT_EQ(test, c.user_committed, before.user_committed + 3);
	KUNIT_EXPECT_EQ(test, c.user_max, before.user_max);
}

static void sets(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_PRIVATE, NULL, 5);
	unsigned int serial = last_serial(test);
	struct mm_struct *mm = ik_mm(test);
	struct ioasid_set *user = ik_set_of(test, IOASID_SET_TYPE_MM, mm, 0);
	ioasid_t id = ik_alloc(test, set, 1, -1U);
	ioasid_t two[2];
	const char *text;
	char gone[32];

	ik_alloc_many(test, user, two, 2);
	ioasid_get(set, id);
	ioasid_free(set, id);
	text = read_file(test, "sets");
	expect_line(test, text, true,
		    "set=%u type=private quota=5 used=1 pending=1 peak=1", serial);
	expect_line(test, text, true,
		    "set=%u type=mm quota=0 used=2 pending=0 peak=2 owner=%p",
		    serial + 1, mm);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, " type=system "));

	ik_set_free(test, set);
	text = read_file(test, "sets");
	expect_line(test, text, true,
		    "set=%u type=private quota=1 used=1 pending=1 peak=1 dying", serial);
	ioasid_put(set, id);
	ioasid_synchronize();
	snprintf(gone, sizeof(gone), "set=%u type", serial);
	KUNIT_EXPECT_NULL(test, strstr(read_file(test, "sets"), gone));
}

static void ids(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test);
	ioasid_t idle = ik_alloc(test, set, 1, -1U);
	ioasid_t active = ik_alloc(test, set, 1, -1U);
	ioasid_t bound = ik_alloc_bound(test, set, 77);
	ioasid_t freed = ik_alloc(test, set, 1, -1U);
	unsigned int serial = last_serial(test);
	const char *text;

	ioasid_get(set, active);
	ioasid_get(set, freed);
	ioasid_free(set, freed);
	text = read_file(test, "ids");
	expect_line(test, text, true, "id=%u state=idle refs=0 set=%u", idle, serial);
	expect_line(test, text, true, "id=%u state=active refs=1 set=%u", active, serial);
	expect_line(test, text, true, "id=%u state=idle refs=0 set=%u spid=77", bound, serial);
	expect_line(test, text, true, "id=%u state=free-pending refs=1 set=%u", freed, serial);

	ioasid_put(set, freed);
	ioasid_put(set, active);
	ioasid_synchronize();
	text = read_file(test, "ids");
	expect_line(test, text, true, "id=%u state=idle refs=0 set=%u", active, serial);
	expect_line(test, text, false, "id=%u state=free-pending refs=1 set=%u", freed, serial);
}

static void __printf(3, 4) expect_description(struct kunit *test, ioasid_t id,
					      const char *fmt, ...)
{
	char expected[64], buf[64] = "";
	va_list args;

	va_start(args, fmt);
	vsnprintf(expected, sizeof(expected), fmt, args);
	va_end(args);
	IK_EXPECT_OK(test, ioasid_describe(id, buf, sizeof(buf)));
	KUNIT_EXPECT_STREQ(test, buf, expected);
}

/* What a message says of a number, to its end */
static void describe(struct kunit *test)
{
	struct ioasid_set *set = ik_set_of(test, IOASID_SET_TYPE_MM, ik_mm(test), 0);
	unsigned int serial = last_serial(test);
	ioasid_t host, id = ik_alloc(test, set, 1, -1U);
	char buf[64] = "as before";

	expect_description(test, id, "idle, of set %u (mm)", serial);
	ioasid_get(set, id);
	expect_description(test, id, "active, of set %u (mm)", serial);
	ioasid_free(set, id);
	expect_description(test, id, "free-pending, of set %u (mm)", serial);
	ik_set_free(test, set);
	expect_description(test, id, "free-pending, of set %u (mm, dying)", serial);
	ioasid_put(set, id);
	ioasid_synchronize();
	IK_EXPECT_ERRNO(test, ioasid_describe(id, buf, sizeof(buf)), -ENOENT);
	IK_EXPECT_ERRNO(test, ioasid_describe(0, buf, sizeof(buf)), -ENOENT);
	KUNIT_EXPECT_STREQ(test, buf, "as before");

	IK_ASSERT_OK(test, ioasid_alloc(ioasid_system_set(), 1, -1U, NULL, &host));
	IK_EXPECT_OK(test, ioasid_describe(host, buf, 5));
	KUNIT_EXPECT_STREQ(test, buf, "idle");
	IK_EXPECT_OK(test, ioasid_describe(host, buf, sizeof(buf)));
	KUNIT_EXPECT_NOT_NULL(test, strstr(buf, "(system)"));
	ioasid_free(ioasid_system_set(), host);
}

/* Several reads, between which numbers come and go; each line is once or not there */
static void ids_change(struct kunit *test)
{
	struct ioasid_set *set = ik_set(test), *stays = ik_set(test);
	ioasid_t ids[300], some[3], id, last = 0;
	unsigned int seen = 0, round = 0;
	const char *line;

	ik_alloc_many(test, stays, some, ARRAY_SIZE(some));
	for (; round < 3; round++) {
		ik_alloc_many(test, set, ids, ARRAY_SIZE(ids));
		line = read_file(test, "ids");
		for (last = 0, seen = 0; line; line = strchr(line + 1, '\n')) {
			if (sscanf(line, "\nid=%u ", &id) != 1)
				continue;
			KUNIT_EXPECT_GT(test, id, last);
			last = id;
			seen++;
		}
		KUNIT_EXPECT_GE(test, seen, (unsigned int)(ARRAY_SIZE(ids) + ARRAY_SIZE(some)));
		ioasid_set_free_ids(set);
		ioasid_synchronize();
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(some); i++)
		expect_line(test, read_file(test, "ids"), true, "id=%u state=idle refs=0 set=%u",
			    some[i], last_serial(test));
}

static struct kunit_case ioasid_debugfs_cases[] = {
	KUNIT_CASE(capacity),
	KUNIT_CASE(sets),
	KUNIT_CASE(ids),
	KUNIT_CASE(ids_change),
	KUNIT_CASE(describe),
	{}
};

static struct kunit_suite ioasid_debugfs_suite = {
	.name = "ioasid_debugfs",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_debugfs_cases,
};

/*
 * With ioasid.system_quota= the host has that many for itself: they are
 * committed before anybody asks, and it gets no more.
 */
static void quota_of_host(struct kunit *test)
{
	unsigned int quota = read_capacity(test).committed, n = 0;
	struct ioasid_set *host = ioasid_system_set();
	ioasid_t ids[100], id;

	if (!quota || ioasid_set_count(host))
		kunit_skip(test, "needs ioasid.system_quota= on the command line");
	KUNIT_ASSERT_LE(test, quota, (unsigned int)ARRAY_SIZE(ids));
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_PRIVATE, NULL), ik_total() - 1 - quota);
	while (n < quota && !ioasid_alloc(host, 1, -1U, NULL, &ids[n]))
		n++;
	KUNIT_EXPECT_EQ(test, n, quota);
	IK_EXPECT_ERRNO(test, ioasid_alloc(host, 1, -1U, NULL, &id), -EDQUOT);
	KUNIT_EXPECT_EQ(test, read_capacity(test).committed, quota);
	while (n)
		IK_EXPECT_OK(test, ioasid_free(host, ids[--n]));
}

/* More than there are is no quota at all, and user_max is the users' limit */
static void limit_of_users(struct kunit *test)
{
	struct capacity c = read_capacity(test);

	if (c.user_max == c.total / 2)
		kunit_skip(test, "needs ioasid.user_max= on the command line");
	KUNIT_EXPECT_EQ(test, ik_room(IOASID_SET_TYPE_MM, ik_mm(test)), c.user_max);
}

static struct kunit_case ioasid_boot_cases[] = {
	KUNIT_CASE(quota_of_host),
	KUNIT_CASE(limit_of_users),
	{}
};

static struct kunit_suite ioasid_boot_suite = {
	.name = "ioasid_boot",
	.suite_init = ik_suite_init,
	.init = ik_init,
	.exit = ik_exit,
	.test_cases = ioasid_boot_cases,
};

kunit_test_suites(&ioasid_debugfs_suite, &ioasid_boot_suite);
