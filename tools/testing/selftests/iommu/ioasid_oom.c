// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that are killed because there is no memory left: their pages are
 * taken before they are gone, while their device uses them.
 *
 * Needs the PASID test device, see ioasid_sva.c.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "ioasid_sva_utils.h"

FIXTURE(oom)
{
	struct ctx c;
	/* ATS, and page requests if the device has them */
	uint32_t mode;
};

FIXTURE_SETUP(oom)
{
	ctx_setup(_metadata, &self->c);
	self->mode = PDT_MODE_ATS;
	if (self->c.info.caps & PDT_CAPS_PRI)
		self->mode |= PDT_MODE_PRI;
}

FIXTURE_TEARDOWN(oom)
{
	ctx_teardown(_metadata, &self->c);
}

/* Its address space is whole when it stops on its way out */
static void kill_and_stop(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, status >> 8);
}

/*
 * What the OOM reaper does, by process_mrelease(): the pages of a process that
 * dies are gone, and its device can use none of them, nor bring one back.
 */
TEST_F(oom, reaped_before_exit)
{
	struct pdt_dma dma = {
		.iova = PDT_VA, .cmd = PDT_CMD_WRITE,
		.mode = self->mode | PDT_MODE_FILL, .len = LEN, .pattern = DMA_A,
	};
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct ctx *c = &self->c;
	int fd, pidfd;

	/* There the end is logged */
	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, b, WIDE, PAGE_B);
	fd = spawn_shared(_metadata, a);
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_EQ(PDT_STATUS_DONE, dma.status);

	count_from_here(_metadata, c);
	pidfd = syscall(SYS_pidfd_open, a->pid, 0);
	ASSERT_LE(0, pidfd);
	kill_and_stop(_metadata, a->pid);
	ASSERT_EQ(0, syscall(SYS_process_mrelease, pidfd, 0));
	/* What is in the device TLB is gone as well */
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);

	ASSERT_EQ(0, ptrace(PTRACE_CONT, a->pid, NULL, 0));
	pdt_worker_kill(a);
	synchronize(_metadata, c);
	EXPECT_EQ(0, pdt_ioctl(fd, PDT_IOC_DMA, &dma));
	EXPECT_TRUE(dma.status & PDT_STATUS_FAULT);
	expect_quiet(_metadata, c, self->mode, 2);
	close(pidfd);
	close(fd);
	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, self->mode, PDT_VA,
					      DMA_B));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
}

/* The kernel looks for a victim, and finds one whose device does not stop */
TEST_F_TIMEOUT(oom, killed, 240)
{
	struct pdt_msg eat = { .op = PDT_OP_EAT, .addr = PDT_VA_EAT };
	struct pdt_worker *a = &self->c.a, *b = &self->c.b;
	struct pdt_status dead, st;
	struct ctx *c = &self->c;
	int status, log = kmsg_open();

	if (!c->info.ioasid)
		SKIP(return, NO_IOASID);
	spawn(_metadata, b, WIDE, PAGE_B);
	spawn(_metadata, a, WIDE, PAGE_A);
	start_engine(_metadata, c, a, self->mode, PDT_VA, DMA_A);
	ASSERT_EQ(0, pdt_offer_to_oom(a->pid));

	count_from_here(_metadata, c);
	ASSERT_EQ(sizeof(eat), write(a->to, &eat, sizeof(eat)));
	ASSERT_EQ(a->pid, waitpid(a->pid, &status, 0));
	a->pid = 0;
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ(0, pdt_get_status(c->wide, a->channel, &dead));
	ASSERT_EQ(0, pdt_wait_engine(c->wide, a->channel, 0, dead.fault + 100, &st));
	EXPECT_EQ(dead.ok, st.ok);
	EXPECT_EQ(1, kmsg_count(log, "Out of memory: Killed process"));
	close(log);
	expect_quiet(_metadata, c, self->mode, 100);

	EXPECT_EQ(PDT_STATUS_DONE, write_once(_metadata, b, self->mode, PDT_VA,
					      DMA_B));
	EXPECT_EQ(WORDS, diff(b, PAGE_B));
}

int main(int argc, char **argv)
{
	pdt_worker_main(argc, argv);
	return test_harness_run(argc, argv);
}
