// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests: a device asks for pages of a process that are not there, and
 * what becomes of its questions when the process dies meanwhile.
 *
 * Needs the PASID test device with page requests, see ioasid_sva.c.
 */
#include "ioasid_sva_utils.h"

#define NO_PRI		"the device has no page requests"

#define MODE		(PDT_MODE_ATS | PDT_MODE_PRI)
/* Not there yet, in every worker that has them */
#define VA_NEW		0x510000000000UL
#define NEW_PAGES	64
/* How many of them are asked for at the moment of a kill */
#define BURST		16
/* Takes its time */
#define VA_SLOW		0x520000000000UL
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

/* A worker that has pages which are not there yet */
static void spawn_new(struct __test_metadata *_metadata, struct pdt_worker *w)
{
	spawn(_metadata, w, WIDE, PAGE_A);
	ASSERT_EQ(0, pdt_do(w, PDT_OP_RESERVE, VA_NEW, NEW_PAGES));
}

/* The same with a file that the test keeps */
static int spawn_asking_shared(struct __test_metadata *_metadata,
			       struct pdt_worker *w)
{
	int fd = spawn_shared(_metadata, w);

	ASSERT_EQ(0, pdt_do(w, PDT_OP_RESERVE, VA_NEW, NEW_PAGES));
	return fd;
}

static void request(struct __test_metadata *_metadata, int fd, uint32_t pasid,
		    uint64_t addr, uint32_t what)
{
	struct pdt_page_req req = { .addr = addr, .pasid = pasid, .what = what };

	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_PAGE_REQ, &req));
}

/* Every question of the device of @fd gets an answer */
static void expect_answers(struct __test_metadata *_metadata, int fd)
{
	uint64_t end = pdt_now_us() + 10000000;
	struct pdt_info info;

	do {
		ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_INFO, &info));
		if (!info.pri_out)
			break;
		pdt_sleep_us(1000);
	} while (pdt_now_us() < end);
	EXPECT_EQ(0, info.pri_out);
	EXPECT_EQ(0, info.pri_stray);
}

static struct pdt_status now(struct __test_metadata *_metadata, int fd,
			     uint32_t channel)
{
	struct pdt_status st;

	EXPECT_EQ(0, pdt_get_status(fd, channel, &st));
	return st;
}

/* What a channel of the device has asked and was answered since @from */
static struct pdt_status since(struct __test_metadata *_metadata, int fd,
			       const struct pdt_status *from)
{
	struct pdt_status st;

	expect_answers(_metadata, fd);
	st = now(_metadata, fd, from->channel);
	st.pri_req -= from->pri_req;
	st.pri_ok -= from->pri_ok;
	st.pri_invalid -= from->pri_invalid;
	st.pri_failure -= from->pri_failure;
	return st;
}

/* A page that was never touched, one that is gone again, one that is read */
TEST_F(prq, absent)
{
	struct pdt_dma read = {
		.iova = VA_NEW + PDT_PAGE, .cmd = PDT_CMD_READ, .mode = MODE,
		.len = LEN,
	};
	struct pdt_worker *a = &self->c.a;
	struct pdt_status from, st;
	struct ctx *c = &self->c;

	spawn_new(_metadata, a);
	from = now(_metadata, c->wide, a->channel);
	count_from_here(_metadata, c);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
	EXPECT_EQ(DMA_A, (uint32_t)pdt_ask(a, PDT_OP_PEEK, VA_NEW, 0));
	st = since(_metadata, c->wide, &from);
	EXPECT_EQ(1, st.pri_req);
	EXPECT_EQ(1, st.pri_ok);

	ASSERT_EQ(0, pdt_do(a, PDT_OP_DROP, VA_NEW, 0));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_B));
	EXPECT_EQ(WORDS, pdt_ask(a, PDT_OP_DIFF, VA_NEW, 0));

	ASSERT_EQ(0, pdt_worker_dma(a, &read));
	EXPECT_EQ(PDT_STATUS_DONE, read.status);
	EXPECT_EQ(0, read.first);
	st = since(_metadata, c->wide, &from);
	EXPECT_EQ(3, st.pri_ok);

	/* What is there is not asked for */
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
	st = since(_metadata, c->wide, &from);
	EXPECT_EQ(3, st.pri_req);

	count_to_here(_metadata, c);
	EXPECT_EQ(3, c->diff.count[PDT_CNT_PAGE_REQ]);
	EXPECT_EQ(3, c->diff.count[PDT_CNT_VTD_PGRESP_C(PDT_PAGE_RESP_SUCCESS)]);
	EXPECT_EQ(3, c->diff.count[PDT_CNT_VTD_PGRESP]);
	EXPECT_EQ(0, c->diff.count[PDT_CNT_FAULT_RECORD]);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
	expect_answers(_metadata, c->wide);
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

/* After fork() a page is copied for the device as it is for the processor */
TEST_F(prq, copy_on_write)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE,
		.mode = MODE | PDT_MODE_FILL, .len = LEN, .pattern = DMA_A,
	};
	struct pdt_msg leave = { .op = PDT_OP_EXIT };
	struct pdt_worker *a = &self->c.a;
	struct pdt_status st;
	int fd;

	fd = spawn_asking_shared(_metadata, a);
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_A));
	/* Writes to what is there for the last time */
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FILL, PDT_VA, PAGE_A));
	ASSERT_EQ(0, pdt_do(a, PDT_OP_FORK, 0, 0));

	/* For the parent, which the bond is with; now the child is asked */
	st = now(_metadata, fd, a->channel);
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);
	EXPECT_EQ(0, diff(a, PAGE_A));
	st = since(_metadata, fd, &st);
	EXPECT_EQ(1, st.pri_ok);

	EXPECT_EQ(1, pdt_order(a, &leave));
	EXPECT_EQ(WORDS, diff(a, PAGE_A));
	EXPECT_EQ(DMA_A, first_word(a));
	close(fd);
}

/* Asks, is told that there is no such page, and fails */
TEST_F(prq, unmapped)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;
	uint32_t status;

	spawn_new(_metadata, a);
	st = now(_metadata, c->wide, a->channel);
	count_from_here(_metadata, c);
	status = write_once(_metadata, a, MODE, VA_GONE, DMA_A);
	EXPECT_TRUE(status & PDT_STATUS_FAULT);
	EXPECT_EQ(PDT_ERR_PRI_RESP, PDT_STATUS_ERR(status));
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(1, st.pri_req);
	EXPECT_EQ(1, st.pri_invalid);
	count_to_here(_metadata, c);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_VTD_PGRESP_C(PDT_PAGE_RESP_INVALID)]);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
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

/* The device goes on with the PASID of a dead process, and asks each time */
TEST_F(prq, dead_is_quiet)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;

	/* 7.3.4 may die of a device that asks after unbind */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, a, WIDE, PAGE_A);
	start_engine(_metadata, c, a, MODE, PDT_VA, DMA_A);
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 1000,
				     &st));
	EXPECT_EQ(dead.ok, st.ok);
	EXPECT_EQ(dead.pri_ok, st.pri_ok);
	/* One may have been answered then whose DMA had not failed yet */
	EXPECT_LE(dead.pri_invalid + 999, st.pri_invalid);
	expect_quiet(_metadata, c, MODE, 1000);
	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	expect_answers(_metadata, c->wide);
}

static void slow(struct __test_metadata *_metadata, struct ctx *c, uint32_t op)
{
	struct pdt_slow arg = { .op = op };

	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_SLOW, &arg));
}

static unsigned int slow_count(struct ctx *c)
{
	struct pdt_slow arg = { .op = PDT_SLOW_COUNT };

	return pdt_ioctl(c->wide, PDT_IOC_SLOW, &arg) ? 0 : arg.value;
}

/* The device of @w has asked for a page, and its request is being handled */
static void ask_for_slow(struct __test_metadata *_metadata, struct ctx *c,
			 struct pdt_worker *w)
{
	struct pdt_engine eng = endless(MODE, VA_SLOW, DMA_A);
	uint64_t end = pdt_now_us() + 10000000;

	eng.count = 1;
	eng.flags = 0;
	ASSERT_EQ(0, pdt_do(w, PDT_OP_SLOW, VA_SLOW, 0));
	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	while (!slow_count(c) && pdt_now_us() < end)
		pdt_sleep_us(1000);
	ASSERT_EQ(1, slow_count(c));
}

/* Is @w reaped within ten seconds? */
static bool is_reaped(struct pdt_worker *w)
{
	uint64_t end = pdt_now_us() + 10000000;

	do {
		if (waitpid(w->pid, NULL, WNOHANG) == w->pid) {
			close(w->to);
			close(w->from);
			w->pid = 0;
			return true;
		}
		pdt_sleep_us(1000);
	} while (pdt_now_us() < end);
	return false;
}

/*
 * Unbind waits for the answer to what the device has asked, so the number is
 * not free before, and nothing is answered for its next owner. The process does
 * not wait when it is killed.
 */
TEST_F(prq, killed_while_asking)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct ctx *c = &self->c;
	struct ioasid_line line;
	struct pdt_info info;
	pid_t pid;
	int fd;

	if (c->info.ioasid)
		lower_capacity(_metadata, c, 2);
	fd = spawn_asking_shared(_metadata, a);
	slow(_metadata, c, PDT_SLOW_STALL);
	ask_for_slow(_metadata, c, a);
	ASSERT_EQ(0, kill(a->pid, SIGKILL));
	EXPECT_TRUE(is_reaped(a));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!pdt_ioctl(fd, PDT_IOC_UNBIND, NULL));
	pdt_sleep_us(300000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	ASSERT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_INFO, &info));
	EXPECT_EQ(1, info.pri_out);
	if (c->info.ioasid)
		EXPECT_EQ(0, ioasid_get_line(a->pasid, &line));

	slow(_metadata, c, PDT_SLOW_GO);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	expect_answers(_metadata, c->wide);
	close(fd);
	synchronize(_metadata, c);
	spawn(_metadata, b, WIDE, PAGE_B);
	if (c->info.ioasid)
		EXPECT_EQ(a->pasid, b->pasid);
	ASSERT_EQ(0, pdt_do(b, PDT_OP_RESERVE, VA_NEW, 1));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, MODE, VA_NEW,
					      DMA_B));
	expect_answers(_metadata, c->wide);
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

/*
 * The end of an address space is not the business of those who answer page
 * requests, even if they were its last users: it takes its time, and others
 * wait for them.
 */
TEST_F(prq, last_user)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;

	spawn_new(_metadata, a);
	slow(_metadata, c, PDT_SLOW_STALL);
	ask_for_slow(_metadata, c, a);
	ASSERT_EQ(0, kill(a->pid, SIGKILL));
	EXPECT_TRUE(is_reaped(a));
	slow(_metadata, c, PDT_SLOW_STALL_END);
	expect_answers(_metadata, c->wide);
	slow(_metadata, c, PDT_SLOW_GO);
}

/*
 * A process that dies does not wait for a page that somebody else's device has
 * asked for, nor does the next one; and their memory is out of reach.
 */
TEST_F(prq, others_are_slow)
{
	struct pdt_worker *a = &self->c.a, *b = &self->c.b, *w = self->c.more;
	struct ctx *c = &self->c;
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE,
		.mode = PDT_MODE_ATS | PDT_MODE_FILL, .len = LEN,
		.pattern = DMA_B,
	};
	int fd_a, fd_w;

	spawn_new(_metadata, b);
	fd_a = spawn_asking_shared(_metadata, a);
	fd_w = spawn_asking_shared(_metadata, w);
	slow(_metadata, c, PDT_SLOW_STALL);
	ask_for_slow(_metadata, c, b);

	kill(a->pid, SIGKILL);
	EXPECT_TRUE(is_reaped(a));
	/* Whoever drains has begun to wait */
	pdt_sleep_us(100000);
	kill(w->pid, SIGKILL);
	EXPECT_TRUE(is_reaped(w));
	EXPECT_EQ(0, pdt_ioctl(fd_w, PDT_IOC_DMA, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);

	slow(_metadata, c, PDT_SLOW_GO);
	expect_answers(_metadata, c->wide);
	close(fd_a);
	close(fd_w);
	synchronize(_metadata, c);
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

/*
 * @w is killed with requests of its device under way: some from an engine that
 * the driver stops at unbind, some that come all at once.
 */
static void kill_asking(struct __test_metadata *_metadata, struct ctx *c,
			struct pdt_worker *w, int fd)
{
	struct pdt_engine eng = endless(MODE, VA_NEW, DMA_A);
	struct pdt_msg churn = {
		.op = PDT_OP_CHURN, .addr = VA_NEW, .value = NEW_PAGES,
	};

	eng.flags = 0;
	eng.period = 200;
	ASSERT_EQ(0, pdt_do(w, PDT_OP_RESERVE, VA_NEW, NEW_PAGES));
	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
	ASSERT_EQ(sizeof(churn), write(w->to, &churn, sizeof(churn)));
	pdt_sleep_us(rand() % 3000);
	request(_metadata, fd, w->pasid, VA_NEW,
		BURST | PDT_RAW_WRITE | PDT_RAW_NEXT);
	pdt_worker_kill(w);
}

/* @n processes on @devices devices, and one that must not notice */
static void kills(struct __test_metadata *_metadata, struct ctx *c, int n,
		  int devices)
{
	struct ioasid_sums idle = { }, sums = { };
	struct pdt_worker *b = &c->b, *w = c->more;
	uint64_t begin = pdt_now_us();
	int fd[MAX_WORKERS], i, d;

	for (d = 0; d < devices; d++) {
		fd[d] = pdt_open(d);
		if (fd[d] == -ENOENT)
			SKIP(return, "there are not enough devices");
		ASSERT_LE(0, fd[d]);
	}
	spawn_new(_metadata, b);
	if (c->info.ioasid)
		ASSERT_EQ(0, ioasid_get_sums(&idle));
	srand(1);
	count_from_here(_metadata, c);
	for (i = 0; i < n; i++) {
		for (d = 0; d < devices; d++) {
			if (!d)
				spawn(_metadata, w, 0, PAGE_A);
			else
				ASSERT_EQ(0, pdt_do(w, PDT_OP_OPEN, d, 0));
			if (d)
				ASSERT_EQ(0, pdt_worker_bind(w));
		}
		kill_asking(_metadata, c, w, fd[i % devices]);
		if (i % 16)
			continue;
		EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, MODE,
						      VA_NEW, DMA_B));
		ASSERT_EQ(0, pdt_do(b, PDT_OP_DROP, VA_NEW, 0));
	}
	expect_quiet(_metadata, c, 0, 0);
	for (d = 0; d < devices; d++) {
		expect_answers(_metadata, fd[d]);
		close(fd[d]);
	}
	TH_LOG("%d died in %u ms, %u page requests, %u of them refused", n,
	       (unsigned int)((pdt_now_us() - begin) / 1000),
	       (unsigned int)c->diff.count[PDT_CNT_PAGE_REQ],
	       (unsigned int)c->diff.count[PDT_CNT_VTD_PGRESP_C(1)]);
	EXPECT_EQ(0, diff(b, PAGE_A));
	if (c->info.ioasid) {
		synchronize(_metadata, c);
		ASSERT_EQ(0, ioasid_get_sums(&sums));
		EXPECT_EQ(idle.used, sums.used);
		EXPECT_EQ(0, sums.pending);
	}
}

TEST_F_TIMEOUT(prq, kills, 240)
{
	kills(_metadata, &self->c, 300, 1);
}

TEST_F_TIMEOUT(prq, kills_4_devices, 240)
{
	kills(_metadata, &self->c, 300, 4);
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
