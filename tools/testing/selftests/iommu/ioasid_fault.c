// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recoverable faults: a device needs pages of a process that are not there, and
 * what becomes of that when the process dies meanwhile. By page requests on one
 * machine, by stalls on the other.
 *
 * Needs the PASID test device with the one or the other, see ioasid_sva.c.
 */
#include "ioasid_fault_utils.h"

#define NO_FAULTS	"the device has neither page requests nor stalls"

#define MODE		(pdt_machine.fault_mode)
/* How many pages are asked for at the moment of a kill */
#define BURST		16

FIXTURE(fault)
{
	struct ctx c;
};

FIXTURE_SETUP(fault)
{
	ctx_setup(_metadata, &self->c);
	if (!(self->c.info.caps & pdt_machine.fault_caps))
		SKIP(return, NO_FAULTS);
}

FIXTURE_TEARDOWN(fault)
{
	ctx_teardown(_metadata, &self->c);
}

/* A page that was never touched, one that is gone again, one that is read */
TEST_F(fault, absent)
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
	EXPECT_EQ(3, c->diff.count[pdt_machine.fault_retry]);
	EXPECT_EQ(0, c->diff.count[pdt_machine.fault_refuse]);
	EXPECT_EQ(0, c->diff.count[PDT_CNT_FAULT_RECORD]);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
	expect_answers(_metadata, c->wide);
}

/* After fork() a page is copied for the device as it is for the processor */
TEST_F(fault, copy_on_write)
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
TEST_F(fault, unmapped)
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
	EXPECT_EQ(pdt_machine.fault_error, PDT_STATUS_ERR(status));
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(1, st.pri_req);
	EXPECT_EQ(1, st.pri_invalid);
	count_to_here(_metadata, c);
	EXPECT_EQ(1, c->diff.count[pdt_machine.fault_refuse]);
	EXPECT_EQ(0, kmsg_count(c->kmsg, pdt_machine.log));
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, MODE, VA_NEW,
					      DMA_A));
}

/* The device goes on with the PASID of a dead process, and asks each time */
TEST_F(fault, dead_is_quiet)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_status before, dead, st;
	struct ctx *c = &self->c;

	/* 7.3.4 may die of a device that asks after unbind */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, a, WIDE, PAGE_A);
	start_engine(_metadata, c, a, MODE, PDT_VA, DMA_A);
	count_from_here(_metadata, c);
	pdt_worker_kill(a);
	/* Counters are read one after the other, while the device goes on */
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &before));
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 1000,
				     &st));
	EXPECT_EQ(dead.ok, st.ok);
	EXPECT_EQ(dead.pri_ok, st.pri_ok);
	/* One may have been answered then whose DMA had not failed yet */
	if (pdt_machine.dead_asks)
		EXPECT_LE(before.pri_invalid + 999, st.pri_invalid);
	expect_quiet(_metadata, c, MODE, 1000);
	if (!pdt_machine.dead_asks)
		EXPECT_EQ(0, c->diff.count[PDT_CNT_PAGE_REQ]);
	ASSERT_EQ(0, pdt_stop(c->wide, a->channel));
	expect_answers(_metadata, c->wide);
}

/*
 * Unbind waits for the answer to what the device has asked, so the number is
 * not free before, and nothing is answered for its next owner. The process does
 * not wait when it is killed.
 */
TEST_F(fault, killed_while_asking)
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
	/* The answer may have come after the driver had looked */
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
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

/*
 * The end of an address space is not the business of those who answer page
 * requests, even if they were its last users: it takes its time, and others
 * wait for them.
 */
TEST_F(fault, last_user)
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
TEST_F(fault, others_are_slow)
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

/* The device of @w needs page after page; a @runaway does not stop at unbind */
static void start_asking(struct __test_metadata *_metadata, struct ctx *c,
			 struct pdt_worker *w, bool runaway)
{
	struct pdt_engine eng = endless(MODE, VA_NEW, DMA_A);

	if (!runaway)
		eng.flags = 0;
	eng.period = 200;
	ASSERT_EQ(0, pdt_worker_engine(w, &eng));
}

/* @w is killed while its pages come and go */
static void kill_asking(struct __test_metadata *_metadata, struct ctx *c,
			struct pdt_worker *w, int fd)
{
	struct pdt_msg churn = {
		.op = PDT_OP_CHURN, .addr = VA_NEW, .value = NEW_PAGES,
	};

	ASSERT_EQ(sizeof(churn), write(w->to, &churn, sizeof(churn)));
	pdt_sleep_us(rand() % 3000);
	if (c->info.caps & PDT_CAPS_PRI)
		request(_metadata, fd, w->pasid, VA_NEW,
			BURST | PDT_RAW_WRITE | PDT_RAW_NEXT);
	pdt_worker_kill(w);
}

/* @n processes on @devices devices, and one that must not notice */
static void kills(struct __test_metadata *_metadata, struct ctx *c, int n,
		  int devices, bool runaway)
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
			if (!d) {
				spawn_new(_metadata, w);
			} else {
				ASSERT_EQ(0, pdt_do(w, PDT_OP_OPEN, d, 0));
				ASSERT_EQ(0, pdt_worker_bind(w));
			}
			start_asking(_metadata, c, w, runaway);
		}
		kill_asking(_metadata, c, w, fd[i % devices]);
		for (d = 0; runaway && d < devices; d++)
			EXPECT_EQ(0, pdt_stop_left(fd[d]));
		if (i % 16)
			continue;
		EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, MODE,
						      VA_NEW, DMA_B));
		ASSERT_EQ(0, pdt_do(b, PDT_OP_DROP, VA_NEW, 0));
	}
	/* See kills_runaway */
	if (runaway)
		count_to_here(_metadata, c);
	else
		expect_quiet(_metadata, c, 0, 0);
	for (d = 0; d < devices; d++) {
		expect_answers(_metadata, fd[d]);
		close(fd[d]);
	}
	TH_LOG("%d died in %u ms, %u faults, %u of them refused", n,
	       (unsigned int)((pdt_now_us() - begin) / 1000),
	       (unsigned int)c->diff.count[PDT_CNT_PAGE_REQ],
	       (unsigned int)c->diff.count[pdt_machine.fault_refuse]);
	EXPECT_EQ(0, c->diff.count[PDT_CNT_SMMU_STALL_STRAY]);
	EXPECT_EQ(0, diff(b, PAGE_A));
	if (c->info.ioasid) {
		synchronize(_metadata, c);
		ASSERT_EQ(0, ioasid_get_sums(&sums));
		EXPECT_EQ(idle.used, sums.used);
		EXPECT_EQ(0, sums.pending);
	}
}

/* make soak wants more of them, and has a limit of its own for their time */
static int how_many(void)
{
	const char *n = getenv("IOASID_KILLS");

	return n ? atoi(n) : 300;
}

TEST_F_TIMEOUT(fault, kills, 86400)
{
	kills(_metadata, &self->c, how_many(), 1, false);
}

TEST_F_TIMEOUT(fault, kills_4_devices, 86400)
{
	kills(_metadata, &self->c, how_many(), 4, false);
}

/*
 * The device is not stopped at unbind, so that it has requests under way then.
 * Whoever handles one of them can keep the process alive until after unbind, and
 * a device that goes on with the number of a living process is reported. By page
 * requests all of kills is like this.
 */
TEST_F_TIMEOUT(fault, kills_runaway, 240)
{
	if (pdt_machine.dead_asks)
		SKIP(return, "requests that nobody waits for are in kills");
	kills(_metadata, &self->c, 100, 4, true);
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
