// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests (PRI): groups, questions that nobody has waited for, and what the
 * queue does. See ioasid_fault.c for what they have in common with stalls.
 *
 * Needs the PASID test device with page requests, see ioasid_sva.c.
 */
#include "ioasid_fault_utils.h"

#define NO_PRI		"the device has no page requests"

#define MODE		(PDT_MODE_ATS | PDT_MODE_PRI)
/* No PASID allocator gets that far in a test */
#define PASID_OF_NOBODY	200

FIXTURE(prq)
{
	struct ctx c;
};

FIXTURE_SETUP(prq)
{
	ctx_setup(_metadata, &self->c);
	if (!(self->c.info.caps & PDT_CAPS_PRI))
		SKIP(return, NO_PRI);
}

FIXTURE_TEARDOWN(prq)
{
	ctx_teardown(_metadata, &self->c);
}

/* Two requests, one answer */
TEST_F(prq, group_of_two)
{
	uint64_t va = VA_NEW + PDT_PAGE - LEN / 2;
	struct pdt_worker *a = &self->c.a;
	struct pdt_status st;

	spawn_new(_metadata, a);
	st = now(_metadata, self->c.wide, a->channel);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, va, DMA_A));
	EXPECT_EQ(WORDS / 2, pdt_ask(a, PDT_OP_DIFF, VA_NEW, 0));
	EXPECT_EQ(WORDS / 2, pdt_ask(a, PDT_OP_DIFF, VA_NEW + PDT_PAGE, 0));
	st = since(_metadata, self->c.wide, &st);
	EXPECT_EQ(2, st.pri_req);
	EXPECT_EQ(1, st.pri_ok);
}

/* A number that has no owner, while others ask with theirs */
TEST_F(prq, nobody)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;

	spawn_new(_metadata, a);
	count_from_here(_metadata, c);
	st = now(_metadata, c->wide, PDT_CHANNEL_SELF);
	request(_metadata, c->wide, PASID_OF_NOBODY, VA_NEW,
		100 | PDT_RAW_WRITE | PDT_RAW_NEXT);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(100, st.pri_invalid);
	EXPECT_EQ(0, st.pri_ok);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
}

/*
 * The process is dead, the bond is not: somebody else has the file. What the
 * device asks is refused, and nobody hears of it.
 */
TEST_F(prq, dead)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;
	int fd;

	fd = spawn_asking_shared(_metadata, a);
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	st = now(_metadata, fd, PDT_CHANNEL_SELF);
	request(_metadata, fd, PDT_NO_PASID, VA_NEW,
		100 | PDT_RAW_WRITE | PDT_RAW_NEXT);
	st = since(_metadata, fd, &st);
	EXPECT_EQ(100, st.pri_invalid);
	EXPECT_EQ(0, st.pri_ok);
	expect_quiet(_metadata, c, 0, 0);

	/* And after unbind, while the number waits to be free */
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_UNBIND, NULL));
	st = now(_metadata, c->wide, PDT_CHANNEL_SELF);
	request(_metadata, c->wide, a->pasid, VA_NEW,
		100 | PDT_RAW_WRITE | PDT_RAW_NEXT);
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(100, st.pri_invalid);
	expect_quiet(_metadata, c, 0, 0);
	close(fd);
}

/*
 * The first part of a group that a dead process leaves behind must not become
 * part of a group of somebody else: it is for a page that he has not got.
 */
TEST_F(prq, dead_leaves_no_part)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct ctx *c = &self->c;
	struct pdt_status st;
	int fd;

	/* 7.3.4 keeps the part */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn_new(_metadata, b);
	fd = spawn_asking_shared(_metadata, a);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	st = now(_metadata, fd, PDT_CHANNEL_SELF);
	request(_metadata, fd, PDT_NO_PASID, VA_GONE,
		1 | PDT_RAW_WRITE | PDT_RAW_PART);
	/* The same channel, so that the index of the group is the same */
	request(_metadata, fd, b->pasid, VA_NEW, 1 | PDT_RAW_WRITE);
	st = since(_metadata, fd, &st);
	EXPECT_EQ(1, st.pri_ok);
	EXPECT_EQ(0, st.pri_invalid);
	close(fd);
}

/*
 * The same with a part that came when the process was alive, and whose last part
 * never comes: not for the next owner of the number either.
 */
TEST_F(prq, part_before_death)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b, *w = self->c.more;
	struct ctx *c = &self->c;
	struct pdt_status st;
	int fd;

	/* There the part stays */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	lower_capacity(_metadata, c, 3);
	spawn_new(_metadata, w);
	fd = spawn_asking_shared(_metadata, a);
	request(_metadata, fd, PDT_NO_PASID, VA_GONE,
		1 | PDT_RAW_WRITE | PDT_RAW_PART);
	/* The queue has an order: the part was taken out of it before this */
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, w, MODE, VA_NEW,
					      DMA_A));
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_UNBIND, NULL));
	synchronize(_metadata, c);

	spawn_new(_metadata, b);
	EXPECT_EQ(a->pasid, b->pasid);
	st = now(_metadata, fd, PDT_CHANNEL_SELF);
	request(_metadata, fd, b->pasid, VA_NEW, 1 | PDT_RAW_WRITE);
	st = since(_metadata, fd, &st);
	EXPECT_EQ(1, st.pri_ok);
	EXPECT_EQ(0, st.pri_invalid);
	close(fd);
}

/* A reset takes the PASID of the dead from the driver while it is asked for */
TEST_F(prq, dead_asks_in_reset)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct ctx *c = &self->c;
	int fd, i;

	/* 7.3.4 warns */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn_new(_metadata, b);
	fd = spawn_asking_shared(_metadata, a);
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	count_from_here(_metadata, c);
	for (i = 0; i < 10; i++) {
		request(_metadata, fd, PDT_NO_PASID, VA_NEW,
			1000 | PDT_RAW_WRITE | PDT_RAW_NEXT);
		ASSERT_EQ(0, pdt_sysfs_write(WIDE, "reset", "1"));
	}
	expect_quiet(_metadata, c, 0, 0);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, MODE, VA_NEW,
					      DMA_B));
	close(fd);
}

/* Numbers that die together are drained together: once for their device */
TEST_F(prq, drained_together)
{
	struct ctx *c = &self->c;
	uint32_t hold = 1;
	int i, fd[8];

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	for (i = 0; i < 8; i++)
		fd[i] = spawn_asking_shared(_metadata, &c->more[i]);
	/* The first is told alone, and the others wait until that is over */
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_HOLD, 0, &hold));
	for (i = 0; i < 8; i++)
		pdt_worker_kill(&c->more[i]);
	hold = 0;
	count_from_here(_metadata, c);
	ASSERT_EQ(0, pdt_ioasid(c->wide, PDT_IOASID_HOLD, 0, &hold));
	synchronize(_metadata, c);
	count_to_here(_metadata, c);
	TH_LOG("%u drains", (unsigned int)c->diff.count[PDT_CNT_PAGE_DRAIN]);
	EXPECT_LE(1, c->diff.count[PDT_CNT_PAGE_DRAIN]);
	EXPECT_GE(2, c->diff.count[PDT_CNT_PAGE_DRAIN]);
	for (i = 0; i < 8; i++)
		close(fd[i]);
}

/* More requests than the queue has room for */
TEST_F(prq, overflow)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	__u64 *n = c->diff.count;
	struct pdt_status st;

	spawn_new(_metadata, a);
	count_from_here(_metadata, c);
	st = now(_metadata, c->wide, PDT_CHANNEL_SELF);
	request(_metadata, c->wide, a->pasid, PDT_VA, 8192 | PDT_RAW_WRITE);
	st = since(_metadata, c->wide, &st);
	count_to_here(_metadata, c);
	TH_LOG("%u in the queue, %u lost, %u overflows, %u interrupts",
	       (unsigned int)n[PDT_CNT_PAGE_REQ],
	       (unsigned int)n[PDT_CNT_PAGE_REQ_LOST],
	       (unsigned int)n[PDT_CNT_PAGE_OVERFLOW],
	       (unsigned int)n[PDT_CNT_PAGE_IRQ]);
	EXPECT_LE(1, n[PDT_CNT_PAGE_OVERFLOW]);
	EXPECT_LE(1, n[PDT_CNT_PAGE_REQ_LOST]);
	EXPECT_EQ(8192, n[PDT_CNT_PAGE_REQ] + n[PDT_CNT_PAGE_REQ_LOST]);
	EXPECT_EQ(n[PDT_CNT_PAGE_REQ], n[PDT_CNT_VTD_PGRESP]);
	EXPECT_EQ(8192, st.pri_ok);

	/* And now as ever */
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
	expect_answers(_metadata, c->wide);
}

/* The process lives on, but does not want it any more */
TEST_F(prq, unbind_while_asking)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	int i;

	spawn_new(_metadata, a);
	for (i = 0; i < 20; i++) {
		request(_metadata, c->wide, a->pasid, VA_NEW,
			NEW_PAGES | PDT_RAW_WRITE | PDT_RAW_NEXT);
		ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_UNBIND, NULL, 0));
		ASSERT_EQ(0, pdt_worker_bind(a));
		EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE,
						      VA_NEW, DMA_A));
		ASSERT_EQ(0, pdt_do(a, PDT_OP_DROP, VA_NEW, 0));
	}
	expect_answers(_metadata, c->wide);
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
