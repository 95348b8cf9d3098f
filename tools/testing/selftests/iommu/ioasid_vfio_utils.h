/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of iommufd and VFIO share: the devices, and guests, which are
 * processes with a context, devices and PASIDs that do what they are told.
 */
#ifndef __SELFTEST_IOASID_VFIO_UTILS_H
#define __SELFTEST_IOASID_VFIO_UTILS_H

#include <sys/socket.h>

#include "ioasid_scene.h"
#include "ioasid_vm.h"

#define FIRST		0x01010101
#define LATE		0x1a1a1a1a
#define ENGINE		0xe0e0e0e0

static struct vmm_park park;

/* A write with @pasid lands in the page of @vmm */
static void lands(struct __test_metadata *_metadata, struct vmm *vmm,
		  unsigned int d, uint32_t pasid)
{
	vmm_clear(vmm->page);
	EXPECT_TRUE(dev_dma(vmm->bar[d], pasid, 0, FIRST));
	EXPECT_EQ(FIRST, vmm_word(vmm->page));
	EXPECT_TRUE(dev_dma(vmm->bar[d], pasid, PDT_MODE_ATS, LATE));
	EXPECT_EQ(LATE, vmm_word(vmm->page));
}

/* And does not */
static void is_refused(struct __test_metadata *_metadata, struct vmm *vmm,
		       unsigned int d, uint32_t pasid)
{
	vmm_clear(vmm->page);
	EXPECT_FALSE(dev_dma(vmm->bar[d], pasid, 0, FIRST));
	EXPECT_FALSE(dev_dma(vmm->bar[d], pasid, PDT_MODE_ATS, LATE));
	EXPECT_EQ(0, vmm_word(vmm->page));
}

/* Guests */

enum guest_op {
	GUEST_START,		/* arg: struct guest_shape */
	GUEST_DMA,		/* one write; 1 if it was done */
	GUEST_WHICH,		/* gives the number of its iommufd */
	GUEST_DUP,		/* its iommufd has a second descriptor */
	GUEST_CLOSE_DUP,
	GUEST_CLOSE_IOMMUFD,
	GUEST_CLOSE_DEVICES,	/* the iommufd stays */
	GUEST_CLOSE_VM,
	GUEST_SEND_IOMMUFD,	/* over the socket that it shares with the test */
	GUEST_FORK,		/* the child does nothing; gives its pid */
	GUEST_EAT,		/* all memory there is; no answer */
	GUEST_EXIT,		/* without closing anything */
};

struct guest_shape {
	unsigned int first;
	unsigned int devices;
	unsigned int pasids;
	unsigned int quota;
	/* The iommufd has a higher number than the devices */
	bool late;
	/* KVM knows its devices */
	bool vm;
};

struct guest_msg {
	uint32_t op;
	int32_t ret;
	struct guest_shape shape;
	uint32_t pasid;
};

struct guest {
	pid_t pid;
	int to;
	int from;
	/* For descriptors; -1: the kernel has no such sockets */
	int sock;
	/* One of its PASIDs */
	uint32_t pasid;
	/* What its page table maps */
	uint32_t *page;
};

/* The guest's side */
struct guest_self {
	int in;
	int out;
	int sock;
	int dup;
	uint32_t pasid;
	struct vm vm;
	struct vmm vmm;
};

static int guest_start_self(struct guest_self *self,
			    const struct guest_shape *shape,
			    uint32_t *page)
{
	struct vmm *vmm = &self->vmm;
	int ret;

	ret = vmm_open_files(vmm, &park, shape->first, shape->devices,
			     shape->late);
	if (!ret && shape->vm)
		ret = vm_start(&self->vm, vmm);
	if (!ret)
		ret = vmm_start_devices(vmm, page);
	if (!ret)
		ret = vmm_take(vmm, shape->pasids, shape->quota, &self->pasid);
	if (!ret && shape->pasids && shape->devices)
		dev_engine(vmm->bar[0], 1, self->pasid, 0, ENGINE);
	return ret;
}

/* A descriptor travels in a message with one byte */
struct fd_msg {
	char byte;
	struct iovec iov;
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg;
};

static void fd_msg_init(struct fd_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->iov.iov_base = &m->byte;
	m->iov.iov_len = 1;
	m->msg.msg_iov = &m->iov;
	m->msg.msg_iovlen = 1;
	m->msg.msg_control = m->control.buf;
	m->msg.msg_controllen = sizeof(m->control.buf);
}

static int send_fd(int sock, int fd)
{
	struct cmsghdr *cmsg;
	struct fd_msg m;

	fd_msg_init(&m);
	cmsg = CMSG_FIRSTHDR(&m.msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &m.msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	struct cmsghdr *cmsg;
	struct fd_msg m;
	int fd;

	fd_msg_init(&m);
	if (recvmsg(sock, &m.msg, 0) != 1)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&m.msg);
	if (!cmsg)
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static int guest_fork_self(struct guest_self *self)
{
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	close(self->out);
	prctl(PR_SET_PDEATHSIG, 0);
	for (;;)
		pause();
}

static int guest_obey(struct guest_self *self, struct guest_msg *m,
		      uint32_t *page)
{
	struct vmm *vmm = &self->vmm;

	switch (m->op) {
	case GUEST_START:
		return guest_start_self(self, &m->shape, page);
	case GUEST_DMA:
		return dev_dma(vmm->bar[0], self->pasid, 0, LATE);
	case GUEST_WHICH:
		return vmm->fd;
	case GUEST_DUP:
		self->dup = dup(vmm->fd);
		return self->dup < 0 ? -errno : 0;
	case GUEST_CLOSE_DUP:
		return close(self->dup) ? -errno : 0;
	case GUEST_CLOSE_IOMMUFD:
		vmm_close_iommufd(vmm);
		return 0;
	case GUEST_CLOSE_DEVICES:
		vmm_close_devices(vmm);
		return 0;
	case GUEST_CLOSE_VM:
		vm_stop(&self->vm);
		return 0;
	case GUEST_SEND_IOMMUFD:
		return send_fd(self->sock, vmm->fd);
	case GUEST_FORK:
		return guest_fork_self(self);
	case GUEST_EAT:
		pdt_eat(PDT_VA_EAT);
		return 0;
	default:
		_exit(0);
	}
}

static void guest_loop(struct guest_self *self, uint32_t *page)
{
	struct guest_msg m;

	while (read(self->in, &m, sizeof(m)) == sizeof(m)) {
		m.ret = guest_obey(self, &m, page);
		m.pasid = self->pasid;
		if (write(self->out, &m, sizeof(m)) != sizeof(m))
			break;
	}
	_exit(1);
}

/* The side that gives the orders */

static int guest_order(struct guest *g, struct guest_msg *m)
{
	if (write(g->to, m, sizeof(*m)) != sizeof(*m) ||
	    read(g->from, m, sizeof(*m)) != sizeof(*m))
		return -EPIPE;
	g->pasid = m->pasid;
	return m->ret;
}

static int guest_do(struct guest *g, enum guest_op op)
{
	struct guest_msg m = { .op = op };

	return guest_order(g, &m);
}

static void guest_run(const int *in, const int *out, int sock, uint32_t *page)
{
	struct guest_self self = {
		.in = in[0], .out = out[1], .sock = sock,
		.vm = { .machine = -1, .vfio = -1 },
	};
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Descriptors of others stay open as long as anybody has them */
	for (fd = STDERR_FILENO + 1; fd < 256; fd++)
		if (fd != self.in && fd != self.out && fd != self.sock)
			close(fd);
	guest_loop(&self, page);
}

/* A process that waits for orders */
static int guest_spawn(struct guest *g)
{
	int to[2], from[2], sock[2];

	memset(g, 0, sizeof(*g));
	g->page = vmm_page();
	if (!g->page || pipe(to) || pipe(from))
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock)) {
		sock[0] = -1;
		sock[1] = -1;
	}
	fflush(NULL);
	g->pid = fork();
	if (!g->pid)
		guest_run(to, from, sock[1], g->page);
	close(to[0]);
	close(from[1]);
	close(sock[1]);
	g->to = to[1];
	g->from = from[0];
	g->sock = sock[0];
	return g->pid < 0 ? -errno : 0;
}

static int guest_start(struct guest *g, const struct guest_shape *shape)
{
	struct guest_msg m = { .op = GUEST_START, .shape = *shape };
	int ret = guest_spawn(g);

	return ret ? ret : guest_order(g, &m);
}

/* Gone and reaped when this returns; @sig 0: it exits by itself */
static void guest_kill(struct guest *g, int sig)
{
	struct guest_msg m = { .op = GUEST_EXIT };

	if (!g->pid)
		return;
	if (sig || write(g->to, &m, sizeof(m)) != sizeof(m))
		kill(g->pid, sig ? sig : SIGKILL);
	waitpid(g->pid, NULL, 0);
	g->pid = 0;
}

/* The same, and what this side has of it */
static void guest_end(struct guest *g, int sig)
{
	guest_kill(g, sig);
	if (!g->page)
		return;
	close(g->to);
	close(g->from);
	close(g->sock);
	munmap(g->page, PDT_PAGE);
	g->page = NULL;
}

static pid_t park_owner;

/* The harness ends the program by itself */
static void leave_park(void)
{
	if (getpid() == park_owner)
		vmm_park_leave(&park);
}

static int vfio_test_main(int argc, char **argv)
{
	struct pdt_info info;
	int ret;

	park_owner = getpid();
	atexit(leave_park);
	ret = vmm_park_enter(&park);
	witness = park.witness;
	if (!ret)
		ret = pdt_ioctl(witness, PDT_IOC_INFO, &info);
	if (ret || !info.ioasid) {
		ksft_print_header();
		if (ret)
			ksft_exit_fail_msg("devices for VFIO: %s\n",
					   strerror(-ret));
		ksft_exit_skip("this kernel has no IOASID allocator\n");
	}
	return test_harness_run(argc, argv);
}

#endif /* __SELFTEST_IOASID_VFIO_UTILS_H */
