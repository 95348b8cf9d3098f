/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for programs that use the PASID test device.
 *
 * A worker is a process with an address space of its own that does what it is
 * told: open the device, bind, make the device issue, look at its memory. All
 * workers use the same virtual addresses, so that a DMA with the wrong PASID
 * would be seen in the memory of another.
 *
 * Functions return 0 or a negative error number unless they say more.
 */
#ifndef __SELFTEST_PASID_TESTDEV_H
#define __SELFTEST_PASID_TESTDEV_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../../../drivers/misc/pasid-testdev/uapi.h"

#define PDT_PAGE	4096UL
#define PDT_PAGE_WORDS	(PDT_PAGE / sizeof(uint32_t))
/* Where all workers have a page */
#define PDT_VA		0x500000000000UL
/* From there on, for who eats */
#define PDT_VA_EAT	0x540000000000UL
/* argv[1] of a program that a worker has executed */
#define PDT_WORKER_ARG	"--pdt-worker"

enum pdt_op {
	PDT_OP_OPEN,		/* addr: which device */
	PDT_OP_IOCTL,		/* cmd, arg */
	PDT_OP_MAP,		/* addr: a page of zeros, resident */
	PDT_OP_RESERVE,		/* addr, value: pages that are not there yet */
	PDT_OP_SLOW,		/* addr: a page of the device's, that takes its time */
	PDT_OP_DROP,		/* addr: the page is not there any more */
	PDT_OP_CHURN,		/* addr, value: pages; dropped again and again, no answer */
	PDT_OP_UNMAP,		/* addr */
	PDT_OP_FILL,		/* addr, value: the page, with a 32-bit word */
	PDT_OP_DIFF,		/* addr, value: how many words are not that */
	PDT_OP_POKE,		/* addr, value: 64 bits */
	PDT_OP_PEEK,		/* addr: 64 bits */
	PDT_OP_EAT,		/* addr: all memory there is, from there on; no answer */
	PDT_OP_FORK,		/* a child goes on in place of the worker */
	PDT_OP_EXEC,		/* the program is executed anew */
	PDT_OP_EXIT,		/* without closing anything */
};

struct pdt_msg {
	uint32_t op;
	uint32_t cmd;
	int64_t ret;
	uint64_t addr;
	uint64_t value;
	uint8_t arg[sizeof(struct pdt_dma) > sizeof(struct pdt_status) ?
		    sizeof(struct pdt_dma) : sizeof(struct pdt_status)];
};

/* As the program that gives the orders sees it */
struct pdt_worker {
	pid_t pid;
	int to;
	int from;
	uint32_t pasid;
	uint32_t channel;
};

/* As the worker sees itself */
struct pdt_self {
	int in;
	int out;
	int dev;
};

static inline int pdt_open(unsigned int nr)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/pasid-testdev%u", nr);
	fd = open(path, O_RDWR);
	return fd < 0 ? -errno : fd;
}

static inline int pdt_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

static inline void pdt_sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000L };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline uint64_t pdt_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

/* The worker's side. Memory is accessed so as to see what a device does to it */

static inline int64_t pdt_reserve(uint64_t addr, uint64_t pages)
{
	void *p = mmap((void *)addr, pages * PDT_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

/* Until it is killed for that */
static inline void pdt_eat(uint64_t addr)
{
	for (; !pdt_reserve(addr, 256); addr += 256 * PDT_PAGE)
		memset((void *)addr, 1, 256 * PDT_PAGE);
	_exit(1);
}

static inline int64_t pdt_map(uint64_t addr)
{
	int64_t ret = pdt_reserve(addr, 1);

	/* Without page requests the page must be there */
	if (!ret)
		memset((void *)addr, 0, PDT_PAGE);
	return ret;
}

static inline int64_t pdt_map_slow(int dev, uint64_t addr)
{
	void *p = mmap((void *)addr, PDT_PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, dev, PDT_SLOW_OFFSET);

	return p == MAP_FAILED ? -errno : 0;
}

static inline int64_t pdt_drop(uint64_t addr, uint64_t pages)
{
	return madvise((void *)addr, pages * PDT_PAGE, MADV_DONTNEED) ? -errno : 0;
}

static inline void pdt_fill(uint64_t addr, uint32_t value)
{
	uint32_t *p = (uint32_t *)addr;
	size_t i;

	for (i = 0; i < PDT_PAGE_WORDS; i++)
		__atomic_store_n(&p[i], value, __ATOMIC_RELAXED);
}

static inline unsigned int pdt_diff(uint64_t addr, uint32_t value)
{
	uint32_t *p = (uint32_t *)addr;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < PDT_PAGE_WORDS; i++)
		n += __atomic_load_n(&p[i], __ATOMIC_RELAXED) != value;
	return n;
}

static inline int64_t pdt_self_open(struct pdt_self *self, uint64_t nr)
{
	int fd = pdt_open(nr);

	if (fd < 0)
		return fd;
	/* An older file, and its bond, stay as they are */
	self->dev = fd;
	return 0;
}

/*
 * The child returns at once, the parent when the child has ended: so the order
 * to exit that the child gets is answered by the parent, with 1.
 */
static inline int64_t pdt_self_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid) {
		waitpid(pid, NULL, 0);
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

static inline int64_t pdt_self_exec(struct pdt_self *self)
{
	char in[16], out[16], dev[16];

	snprintf(in, sizeof(in), "%d", self->in);
	snprintf(out, sizeof(out), "%d", self->out);
	snprintf(dev, sizeof(dev), "%d", self->dev);
	execl("/proc/self/exe", "worker", PDT_WORKER_ARG, in, out, dev, NULL);
	return -errno;
}

static inline void pdt_obey(struct pdt_self *self, struct pdt_msg *m)
{
	m->ret = 0;
	switch (m->op) {
	case PDT_OP_OPEN:
		m->ret = pdt_self_open(self, m->addr);
		break;
	case PDT_OP_IOCTL:
		m->ret = pdt_ioctl(self->dev, m->cmd, m->arg);
		break;
	case PDT_OP_MAP:
		m->ret = pdt_map(m->addr);
		break;
	case PDT_OP_RESERVE:
		m->ret = pdt_reserve(m->addr, m->value);
		break;
	case PDT_OP_SLOW:
		m->ret = pdt_map_slow(self->dev, m->addr);
		break;
	case PDT_OP_DROP:
		m->ret = pdt_drop(m->addr, 1);
		break;
	case PDT_OP_CHURN:
		/* Leaves the processor to those who bring the pages back */
		while (!pdt_drop(m->addr, m->value))
			pdt_sleep_us(100);
		_exit(1);
	case PDT_OP_UNMAP:
		if (munmap((void *)m->addr, PDT_PAGE))
			m->ret = -errno;
		break;
	case PDT_OP_FILL:
		pdt_fill(m->addr, m->value);
		break;
	case PDT_OP_DIFF:
		m->value = pdt_diff(m->addr, m->value);
		break;
	case PDT_OP_POKE:
		__atomic_store_n((uint64_t *)m->addr, m->value,
				 __ATOMIC_RELAXED);
		break;
	case PDT_OP_PEEK:
		m->value = __atomic_load_n((uint64_t *)m->addr,
					   __ATOMIC_RELAXED);
		break;
	case PDT_OP_EAT:
		pdt_eat(m->addr);
		break;
	case PDT_OP_FORK:
		m->ret = pdt_self_fork();
		break;
	case PDT_OP_EXEC:
		/* The new program answers */
		m->ret = pdt_self_exec(self);
		break;
	case PDT_OP_EXIT:
		_exit(0);
	default:
		m->ret = -EINVAL;
	}
}

/* Files and pipes of others stay open as long as anybody has them */
static inline void pdt_close_others(const struct pdt_self *self)
{
	int fd;

	for (fd = STDERR_FILENO + 1; fd < 256; fd++)
		if (fd != self->in && fd != self->out && fd != self->dev)
			close(fd);
}

static inline void pdt_worker_loop(struct pdt_self self)
{
	struct pdt_msg m;

	while (read(self.in, &m, sizeof(m)) == sizeof(m)) {
		pdt_obey(&self, &m);
		if (write(self.out, &m, sizeof(m)) != sizeof(m))
			break;
	}
	_exit(1);
}

/* To be called first in main(): does not return in a worker that executed us */
static inline void pdt_worker_main(int argc, char **argv)
{
	struct pdt_msg m = { .op = PDT_OP_EXEC };
	struct pdt_self self;

	if (argc != 5 || strcmp(argv[1], PDT_WORKER_ARG))
		return;
	self.in = atoi(argv[2]);
	self.out = atoi(argv[3]);
	self.dev = atoi(argv[4]);
	if (write(self.out, &m, sizeof(m)) == sizeof(m))
		pdt_worker_loop(self);
	_exit(1);
}

/* The side that gives the orders */

/* @dev: an open file for the worker to use, or -1 */
static inline int pdt_worker_start(struct pdt_worker *w, int dev)
{
	int to[2], from[2];

	memset(w, 0, sizeof(*w));
	if (pipe(to))
		return -errno;
	if (pipe(from)) {
		close(to[0]);
		close(to[1]);
		return -ENFILE;
	}

	fflush(NULL);
	w->pid = fork();
	if (!w->pid) {
		struct pdt_self self = { to[0], from[1], dev };

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pdt_close_others(&self);
		pdt_worker_loop(self);
	}
	close(to[0]);
	close(from[1]);
	w->to = to[1];
	w->from = from[0];
	if (w->pid < 0) {
		w->pid = 0;
		return -EAGAIN;
	}
	return 0;
}

static inline int64_t pdt_order(struct pdt_worker *w, struct pdt_msg *m)
{
	if (write(w->to, m, sizeof(*m)) != sizeof(*m) ||
	    read(w->from, m, sizeof(*m)) != sizeof(*m))
		return -EPIPE;
	return m->ret;
}

static inline int64_t pdt_do(struct pdt_worker *w, enum pdt_op op,
			     uint64_t addr, uint64_t value)
{
	struct pdt_msg m = { .op = op, .addr = addr, .value = value };

	return pdt_order(w, &m);
}

/* Returns what the order found, or all ones */
static inline uint64_t pdt_ask(struct pdt_worker *w, enum pdt_op op,
			       uint64_t addr, uint64_t value)
{
	struct pdt_msg m = { .op = op, .addr = addr, .value = value };

	return pdt_order(w, &m) ? ~0ULL : m.value;
}

static inline int pdt_worker_ioctl(struct pdt_worker *w, unsigned long cmd,
				   void *arg, size_t len)
{
	struct pdt_msg m = { .op = PDT_OP_IOCTL, .cmd = cmd };
	int ret;

	if (len)
		memcpy(m.arg, arg, len);
	ret = pdt_order(w, &m);
	if (len)
		memcpy(arg, m.arg, len);
	return ret;
}

/* Dead and reaped when this returns */
static inline void pdt_worker_kill(struct pdt_worker *w)
{
	if (!w->pid)
		return;
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	close(w->to);
	close(w->from);
	w->pid = 0;
}

/* The same without violence */
static inline void pdt_worker_quit(struct pdt_worker *w)
{
	struct pdt_msg m = { .op = PDT_OP_EXIT };

	if (!w->pid)
		return;
	if (write(w->to, &m, sizeof(m)) != sizeof(m))
		kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	close(w->to);
	close(w->from);
	w->pid = 0;
}

/* Binds through the file the worker has */
static inline int pdt_worker_bind(struct pdt_worker *w)
{
	struct pdt_bind bind = { };
	int ret = pdt_worker_ioctl(w, PDT_IOC_BIND, &bind, sizeof(bind));

	if (ret)
		return ret;
	w->pasid = bind.pasid;
	w->channel = bind.channel;
	return 0;
}

/* A worker with a page full of @pattern, bound to device @nr */
static inline int pdt_worker_spawn(struct pdt_worker *w, unsigned int nr,
				   uint32_t pattern)
{
	int ret = pdt_worker_start(w, -1);

	if (!ret)
		ret = pdt_do(w, PDT_OP_MAP, PDT_VA, 0);
	if (!ret)
		ret = pdt_do(w, PDT_OP_FILL, PDT_VA, pattern);
	if (!ret)
		ret = pdt_do(w, PDT_OP_OPEN, nr, 0);
	if (!ret)
		ret = pdt_worker_bind(w);
	if (ret)
		pdt_worker_kill(w);
	return ret;
}

static inline int pdt_worker_dma(struct pdt_worker *w, struct pdt_dma *dma)
{
	return pdt_worker_ioctl(w, PDT_IOC_DMA, dma, sizeof(*dma));
}

static inline int pdt_worker_engine(struct pdt_worker *w,
				    struct pdt_engine *eng)
{
	return pdt_worker_ioctl(w, PDT_IOC_ENGINE, eng, sizeof(*eng));
}

/* What @channel of the device of @fd does; PDT_CHANNEL_SELF is that of @fd */
static inline int pdt_get_status(int fd, uint32_t channel,
				 struct pdt_status *st)
{
	memset(st, 0, sizeof(*st));
	st->channel = channel;
	return pdt_ioctl(fd, PDT_IOC_STATUS, st);
}

static inline int pdt_stop(int fd, uint32_t channel)
{
	struct pdt_stop stop = { .channel = channel };

	return pdt_ioctl(fd, PDT_IOC_STOP, &stop);
}

/* Waits for the engine to have at least that many done and refused */
static inline int pdt_wait_engine(int fd, uint32_t channel, uint32_t ok,
				  uint32_t fault, struct pdt_status *st)
{
	uint64_t end = pdt_now_us() + 10000000;
	int ret;

	do {
		ret = pdt_get_status(fd, channel, st);
		if (ret || (st->ok >= ok && st->fault >= fault))
			return ret;
		pdt_sleep_us(200);
	} while (pdt_now_us() < end);
	return -ETIMEDOUT;
}

static inline int pdt_ioasid(int fd, uint32_t op, uint32_t id, uint32_t *value)
{
	struct pdt_ioasid arg = { .op = op, .id = id };
	int ret;

	if (value)
		arg.value = *value;
	ret = pdt_ioctl(fd, PDT_IOC_IOASID, &arg);
	if (value)
		*value = arg.value;
	return ret;
}

/* Ends what earlier programs left running on the device of @fd */
static inline int pdt_stop_left(int fd)
{
	struct pdt_status st;
	uint32_t i;
	int ret;

	for (i = 0; i < PDT_NR_CHANNELS; i++) {
		ret = pdt_get_status(fd, i, &st);
		if (!ret && st.state == PDT_CHAN_LEFT)
			ret = pdt_stop(fd, i);
		if (ret)
			return ret;
	}
	return 0;
}

#endif /* __SELFTEST_PASID_TESTDEV_H */
