// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stalls: requests that wait in the IOMMU until their page is there, and the
 * events that tell of them, when those come late. See ioasid_fault.c for what
 * they have in common with page requests.
 *
 * Needs the PASID test device with stalls, see ioasid_sva.c.
 */
#include "ioasid_fault_utils.h"

#define NO_STALLS	"the requests of the device cannot wait"

#define MANY		8
/* No PASID allocator gets that far in a test */
#define PASID_CHOSEN	200

FIXTURE(stall)
{
	struct ctx c;
};

FIXTURE_SETUP(stall)
{
	ctx_setup(_metadata, &self->c);
	if (!(self->c.info.caps & PDT_CAPS_STALL))
		SKIP(return, NO_STALLS);
}

FIXTURE_TEARDOWN(stall)
{
	ctx_teardown(_metadata, &self->c);
}

static unsigned int stalled(struct __test_metadata *_metadata, int fd)
{
	struct pdt_info info;

	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_INFO, &info));
	return info.pri_out;
}

/* Until @n requests of the device of @fd are stalled */
static void wait_stalled(struct __test_metadata *_metadata, int fd,
			 unsigned int n)
{
	uint64_t end = pdt_now_us() + 10000000;

	while (stalled(_metadata, fd) != n && pdt_now_us() < end)
		pdt_sleep_us(1000);
	ASSERT_EQ(n, stalled(_metadata, fd));
}

/* The engine of @fd makes one request to @va, whether or not it is bound then */
static void one_request(struct __test_metadata *_metadata, int fd, uint64_t va)
{
	struct pdt_engine eng = endless(0, va, DMA_A);

	eng.count = 1;
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_ENGINE, &eng));
}

/* ioctl(@fd, @cmd) by somebody who may have to wait */
static pid_t call(struct __test_metadata *_metadata, int fd, unsigned long cmd)
{
	pid_t pid = fork();

	if (!pid)
		_exit(!!pdt_ioctl(fd, cmd, NULL));
	EXPECT_LT(0, pid);
	return pid;
}

static void expect_waiting(struct __test_metadata *_metadata, pid_t pid)
{
	pdt_sleep_us(300000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
}

static void expect_done(struct __test_metadata *_metadata, pid_t pid)
{
	int status = -1;

	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Every stall was ended once, and nobody else's for it */
static void expect_ended_once(struct __test_metadata *_metadata, struct ctx *c)
{
	__u64 *n = c->diff.count;

	expect_answers(_metadata, c->wide);
	count_to_here(_metadata, c);
	EXPECT_EQ(0, n[PDT_CNT_SMMU_STALL_STRAY]);
	EXPECT_EQ(n[PDT_CNT_SMMU_STALL],
		  n[PDT_CNT_SMMU_STALL_RETRIED] + n[PDT_CNT_SMMU_STALL_ENDED]);
	EXPECT_EQ(n[PDT_CNT_SMMU_STALL], n[PDT_CNT_SMMU_RESUME]);
}

/* One request for two pages stalls for each of them */
TEST_F(stall, two_pages)
{
	uint64_t va = VA_NEW + PDT_PAGE - LEN / 2;
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	struct pdt_status st;

	spawn_new(_metadata, a);
	st = now(_metadata, c->wide, a->channel);
	count_from_here(_metadata, c);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, va, DMA_A));
	EXPECT_EQ(WORDS / 2, pdt_ask(a, PDT_OP_DIFF, VA_NEW, 0));
	EXPECT_EQ(WORDS / 2, pdt_ask(a, PDT_OP_DIFF, VA_NEW + PDT_PAGE, 0));
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(2, st.pri_req);
	EXPECT_EQ(2, st.pri_ok);
	expect_ended_once(_metadata, c);
	EXPECT_EQ(2, c->diff.count[PDT_CNT_SMMU_STALL]);
}

/* A translation request does not wait, it is told that there is nothing */
TEST_F(stall, not_by_ats)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	uint32_t status;

	spawn_new(_metadata, a);
	count_from_here(_metadata, c);
	status = write_once(_metadata, a, PDT_MODE_ATS, VA_NEW, DMA_A);
	EXPECT_EQ(PDT_ERR_ATS, PDT_STATUS_ERR(status));
	count_to_here(_metadata, c);
	EXPECT_EQ(0, c->diff.count[PDT_CNT_SMMU_STALL]);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_ATS_FAIL]);
}

/* Unbind waits for the fault that is being handled. 7.3.4 ends it twice */
TEST_F(stall, unbind_waits)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	pid_t pid;
	int fd;

	fd = spawn_asking_shared(_metadata, a);
	slow(_metadata, c, PDT_SLOW_STALL);
	count_from_here(_metadata, c);
	ask_for_slow(_metadata, c, a);
	pid = call(_metadata, fd, PDT_IOC_UNBIND);
	expect_waiting(_metadata, pid);
	EXPECT_EQ(1, stalled(_metadata, c->wide));
	slow(_metadata, c, PDT_SLOW_GO);
	expect_done(_metadata, pid);
	expect_ended_once(_metadata, c);
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

/* @cmd takes the PASID of @fd away, and waits for an event that is held up */
static void waits_for_event(struct __test_metadata *_metadata, struct ctx *c,
			    int fd, unsigned long cmd)
{
	pid_t pid;

	count_from_here(_metadata, c);
	slow(_metadata, c, PDT_SLOW_EVENTS);
	one_request(_metadata, fd, VA_NEW);
	wait_stalled(_metadata, c->wide, 1);
	pid = call(_metadata, fd, cmd);
	expect_waiting(_metadata, pid);
	slow(_metadata, c, PDT_SLOW_GO);
	expect_done(_metadata, pid);
}

/* And for the event that nobody has looked at yet */
TEST_F(stall, unbind_waits_for_event)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	int fd;

	fd = spawn_asking_shared(_metadata, a);
	waits_for_event(_metadata, c, fd, PDT_IOC_UNBIND);
	/* It has no effect: nothing can land in pages that are not bound */
	EXPECT_EQ(0, pdt_ask(a, PDT_OP_PEEK, VA_NEW, 0));
	expect_ended_once(_metadata, c);
	if (c->info.ioasid)
		EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_ENDED]);
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

static unsigned int reported(struct __test_metadata *_metadata, struct ctx *c)
{
	struct pdt_slow arg = { .op = PDT_SLOW_REPORTED };

	EXPECT_EQ(0, pdt_ioctl(c->wide, PDT_IOC_SLOW, &arg));
	return arg.value;
}

/* A file with a domain that maps a page at PDT_VA; 0: a number from the kernel */
static int attach(struct __test_metadata *_metadata, uint32_t pasid)
{
	struct pdt_attach arg = {
		.iova = PDT_VA, .pasid = pasid,
		.flags = pasid ? 0 : PDT_ATTACH_MANAGED,
	};
	int fd = pdt_open(WIDE);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pdt_ioctl(fd, PDT_IOC_ATTACH, &arg));
	return fd;
}

/* Whoever has attached a domain hears of its stalls, as long as it lives */
TEST_F(stall, reported)
{
	struct ctx *c = &self->c;
	struct pdt_status st;
	unsigned int before;
	int fd;

	fd = attach(_metadata, 0);
	before = reported(_metadata, c);
	count_from_here(_metadata, c);
	one_request(_metadata, fd, VA_NEW);
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 0, 1, &st));
	EXPECT_EQ(before + 1, reported(_metadata, c));
	expect_ended_once(_metadata, c);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_ENDED]);
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

/* With a number of the driver's own choosing, too, the detach waits */
TEST_F(stall, detach_waits_for_event)
{
	struct ctx *c = &self->c;
	int fd;

	fd = attach(_metadata, PASID_CHOSEN);
	waits_for_event(_metadata, c, fd, PDT_IOC_DETACH);
	expect_ended_once(_metadata, c);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_ENDED]);
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

/*
 * The event was there before the death of the number, and is handled after it:
 * the death waits for that, and nobody hears of the stall, which is ended.
 */
TEST_F(stall, dead_not_reported)
{
	struct ctx *c = &self->c;
	struct pdt_status st;
	unsigned int before;
	pid_t pid;
	int fd;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	fd = attach(_metadata, 0);
	st = now(_metadata, fd, PDT_CHANNEL_SELF);
	before = reported(_metadata, c);
	count_from_here(_metadata, c);
	slow(_metadata, c, PDT_SLOW_EVENTS);
	one_request(_metadata, fd, VA_NEW);
	wait_stalled(_metadata, c->wide, 1);
	pid = call(_metadata, fd, PDT_IOC_FREE);
	expect_waiting(_metadata, pid);
	slow(_metadata, c, PDT_SLOW_GO);
	expect_done(_metadata, pid);
	st = since(_metadata, fd, &st);
	EXPECT_EQ(1, st.pri_req);
	EXPECT_EQ(1, st.pri_invalid);
	EXPECT_EQ(before, reported(_metadata, c));
	expect_ended_once(_metadata, c);

	/* From now on nothing of it stalls */
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	one_request(_metadata, fd, VA_NEW);
	ASSERT_EQ(0, pdt_wait_engine(fd, PDT_CHANNEL_SELF, 0, 1, &st));
	expect_quiet(_metadata, c, 0, 1);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL]);
	EXPECT_EQ(0, pdt_stop(fd, PDT_CHANNEL_SELF));
	close(fd);
}

/*
 * Many numbers of one device die with a request stalled for each: all of them
 * are ended, none goes on, and no number is free before.
 */
TEST_F(stall, many_die)
{
	struct ctx *c = &self->c;
	struct ioasid_line line;
	struct ioasid_sums idle, sums;
	int i, fd[MANY];
	uint64_t end;

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	ASSERT_EQ(0, ioasid_get_sums(&idle));
	slow(_metadata, c, PDT_SLOW_STALL);
	count_from_here(_metadata, c);
	for (i = 0; i < MANY; i++) {
		fd[i] = spawn_asking_shared(_metadata, &c->more[i]);
		ASSERT_EQ(0, pdt_do(&c->more[i], PDT_OP_SLOW, VA_SLOW, 0));
		one_request(_metadata, fd[i], VA_SLOW);
	}
	wait_stalled(_metadata, c->wide, MANY);
	for (i = 0; i < MANY; i++) {
		kill(c->more[i].pid, SIGKILL);
		EXPECT_TRUE(is_reaped(&c->more[i]));
	}
	EXPECT_EQ(MANY, stalled(_metadata, c->wide));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, ioasid_get_line(c->more[i].pasid, &line));
	slow(_metadata, c, PDT_SLOW_GO);
	end = pdt_now_us() + 10000000;
	expect_ended_once(_metadata, c);
	/* Some may have met the new page before it was writable */
	EXPECT_LE(MANY, c->diff.count[PDT_CNT_SMMU_STALL]);
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(0, pdt_stop(fd[i], PDT_CHANNEL_SELF));
		close(fd[i]);
	}
	/* They die when the worker that has handled their fault lets go of them */
	do {
		synchronize(_metadata, c);
		ASSERT_EQ(0, ioasid_get_sums(&sums));
	} while (sums.used != idle.used && pdt_now_us() < end);
	EXPECT_EQ(idle.used, sums.used);
}

/* A reset of the device waits for its stalls, too, and it is as new then */
TEST_F(stall, reset)
{
	struct pdt_worker *a = &self->c.a;
	struct ctx *c = &self->c;
	pid_t pid;
	int fd;

	fd = spawn_asking_shared(_metadata, a);
	slow(_metadata, c, PDT_SLOW_STALL);
	count_from_here(_metadata, c);
	ask_for_slow(_metadata, c, a);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!pdt_sysfs_write(WIDE, "reset", "1"));
	expect_waiting(_metadata, pid);
	slow(_metadata, c, PDT_SLOW_GO);
	expect_done(_metadata, pid);
	expect_ended_once(_metadata, c);
	EXPECT_LE(1, c->diff.count[PDT_CNT_SMMU_STALL]);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, VA_NEW, DMA_A));
	EXPECT_EQ(WORDS, pdt_ask(a, PDT_OP_DIFF, VA_NEW, 0));
	close(fd);
}

/* CMD_STALL_TERM ends what is stalled, and the answer that comes then finds nothing */
TEST_F(stall, terminated)
{
	struct pdt_worker *a = &self->c.a;
	struct pdt_stop stop = { .channel = PDT_CHANNEL_SELF };
	struct ctx *c = &self->c;
	struct pdt_status st;

	spawn_new(_metadata, a);
	st = now(_metadata, c->wide, a->channel);
	slow(_metadata, c, PDT_SLOW_STALL);
	count_from_here(_metadata, c);
	ask_for_slow(_metadata, c, a);
	slow(_metadata, c, PDT_SLOW_TERMINATE);
	st = since(_metadata, c->wide, &st);
	EXPECT_EQ(1, st.pri_invalid);
	EXPECT_EQ(0, st.pri_ok);
	slow(_metadata, c, PDT_SLOW_GO);
	/* That a request was answered is counted before its engine is idle */
	ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_STOP, &stop, sizeof(stop)));
	/* Handled after that of the slow page */
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, a, 0, VA_NEW, DMA_A));
	ASSERT_EQ(0, pdt_worker_ioctl(a, PDT_IOC_UNBIND, NULL, 0));
	count_to_here(_metadata, c);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_TERM]);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_STRAY]);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_ENDED]);
	EXPECT_EQ(1, c->diff.count[PDT_CNT_SMMU_STALL_RETRIED]);
	EXPECT_EQ(0, pdt_ask(a, PDT_OP_PEEK, VA_SLOW, 0));
}

/*
 * More stalls than the event queue has room for, if it is a small one. Each
 * waits for its turn, and is not lost.
 */
TEST_F(stall, full_queue)
{
	struct ctx *c = &self->c;
	int i, fd[MANY];

	count_from_here(_metadata, c);
	slow(_metadata, c, PDT_SLOW_EVENTS);
	for (i = 0; i < MANY; i++) {
		fd[i] = spawn_asking_shared(_metadata, &c->more[i]);
		one_request(_metadata, fd[i], VA_NEW);
	}
	wait_stalled(_metadata, c->wide, MANY);
	slow(_metadata, c, PDT_SLOW_GO);
	expect_ended_once(_metadata, c);
	TH_LOG("%u events had to wait",
	       (unsigned int)c->diff.count[PDT_CNT_SMMU_STALL_LATE]);
	EXPECT_EQ(MANY, c->diff.count[PDT_CNT_SMMU_STALL_RETRIED]);
	for (i = 0; i < MANY; i++) {
		EXPECT_EQ(WORDS, pdt_ask(&c->more[i], PDT_OP_DIFF, VA_NEW, 0));
		EXPECT_EQ(0, pdt_stop(fd[i], PDT_CHANNEL_SELF));
		close(fd[i]);
	}
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
