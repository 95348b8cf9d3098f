// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID test device: single requests and the engine of a channel.
 */
#include <linux/iopoll.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>

#include "pasid-testdev.h"

/* The emulator answers at once; this long only if it is stuck */
#define PDT_TIMEOUT_US		(2 * USEC_PER_SEC)

#define PDT_MODE_ALL	(PDT_MODE_ATS | PDT_MODE_PRI | PDT_MODE_MSI | \
			 PDT_MODE_FILL)

#define PDT_RAW_ALL	(PDT_RAW_COUNT_MASK | PDT_RAW_READ | PDT_RAW_WRITE | \
			 PDT_RAW_NEXT | PDT_RAW_PART)

/* A device that is gone reads as all ones, and issues nothing any more */
static bool pdt_status_idle(u32 status)
{
	return !(status & PDT_STATUS_BUSY) || status == ~0U;
}

static bool pdt_engine_idle(u32 state)
{
	return !(state & PDT_ENG_RUNNING) || state == ~0U;
}

/**
 * pdt_idle() - Ask whether a channel has stopped issuing.
 * @ch: Channel, locked.
 *
 * Return: true if neither its engine nor a single request is under way.
 */
bool pdt_idle(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);

	return pdt_engine_idle(pdt_read(ch, PDT_CH_ENG_STATE)) &&
	       pdt_status_idle(pdt_read(ch, PDT_CH_STATUS));
}

static int pdt_may_issue(struct pdt_channel *ch)
{
	lockdep_assert_held(&ch->lock);

	if (ch->pasid == IOMMU_PASID_INVALID)
		return -EINVAL;
	if (ch->blocked)
		return -EAGAIN;
	if (!pdt_idle(ch))
		return -EBUSY;
	return 0;
}

static int pdt_check_request(u32 cmd, u32 mode, u32 len)
{
	if (cmd < PDT_CMD_READ || cmd > PDT_CMD_FADD || mode & ~PDT_MODE_ALL)
		return -EINVAL;
	if (!len || len > PDT_BUF_SIZE || len % sizeof(u32))
		return -EINVAL;
	return 0;
}

static void pdt_program(struct pdt_channel *ch, u64 iova, u64 operand,
			u32 mode, u32 len, u32 pattern)
{
	pdt_write(ch, PDT_CH_PASID, ch->pasid | PDT_CH_PASID_VALID);
	pdt_write(ch, PDT_CH_MODE, mode);
	pdt_write(ch, PDT_CH_IOVA_LO, lower_32_bits(iova));
	pdt_write(ch, PDT_CH_IOVA_HI, upper_32_bits(iova));
	pdt_write(ch, PDT_CH_LEN, len);
	pdt_write(ch, PDT_CH_PATTERN, pattern);
	pdt_write(ch, PDT_CH_OPERAND_LO, lower_32_bits(operand));
	pdt_write(ch, PDT_CH_OPERAND_HI, upper_32_bits(operand));
}

/* An interrupt has come, and it may have been that of @ch */
static bool pdt_irq_done(struct pdt_channel *ch, int irqs)
{
	return atomic_read(&ch->pdt->irqs) != irqs &&
	       pdt_status_idle(pdt_read(ch, PDT_CH_STATUS));
}

/**
 * pdt_dma() - Make one request and wait for its end.
 * @ch: Channel, locked.
 * @dma: What to do; status, result and first are filled in.
 *
 * Return:
 * * %0 - the device answered, see the status in @dma
 * * %-EINVAL - bad request, or the channel has no PASID
 * * %-EBUSY - the engine runs
 * * %-EAGAIN - the device is being reset
 * * %-ETIMEDOUT - no answer, or no interrupt with PDT_MODE_MSI
 */
int pdt_dma(struct pdt_channel *ch, struct pdt_dma *dma)
{
	int irqs = atomic_read(&ch->pdt->irqs);
	u32 status;
	int ret;

	ret = pdt_check_request(dma->cmd, dma->mode, dma->len);
	if (!ret)
		ret = pdt_may_issue(ch);
	if (ret)
		return ret;

	pdt_program(ch, dma->iova, dma->operand, dma->mode, dma->len,
		    dma->pattern);
	pdt_write(ch, PDT_CH_CMD, dma->cmd);

	if (dma->mode & PDT_MODE_MSI) {
		if (!wait_event_timeout(ch->pdt->wait,
					pdt_irq_done(ch, irqs),
					usecs_to_jiffies(PDT_TIMEOUT_US)))
			return -ETIMEDOUT;
	} else {
		ret = read_poll_timeout(pdt_read, status,
					pdt_status_idle(status), 50,
					PDT_TIMEOUT_US, false, ch,
					PDT_CH_STATUS);
		if (ret)
			return ret;
	}

	dma->status = pdt_read(ch, PDT_CH_STATUS);
	dma->result = pdt_read(ch, PDT_CH_RESULT_LO) |
		      (u64)pdt_read(ch, PDT_CH_RESULT_HI) << 32;
	dma->first = pdt_read(ch, PDT_CHANNEL_BUF);
	return 0;
}

/**
 * pdt_engine_start() - Let a channel issue by itself.
 * @ch: Channel, locked.
 * @eng: What to repeat.
 *
 * Return:
 * * %0 - it runs
 * * %-EINVAL - bad request, or the channel has no PASID
 * * %-EBUSY - the engine runs already
 * * %-EAGAIN - the device is being reset
 */
int pdt_engine_start(struct pdt_channel *ch, const struct pdt_engine *eng)
{
	int ret;

	if (eng->mode & PDT_MODE_MSI || !eng->period || !eng->count)
		return -EINVAL;
	ret = pdt_check_request(eng->cmd, eng->mode, eng->len);
	if (!ret)
		ret = pdt_may_issue(ch);
	if (ret)
		return ret;

	ch->runaway = eng->flags & PDT_ENGINE_RUNAWAY;
	pdt_program(ch, eng->iova, eng->operand, eng->mode, eng->len,
		    eng->pattern);
	pdt_write(ch, PDT_CH_ENG_PERIOD, eng->period);
	pdt_write(ch, PDT_CH_ENG_LEFT, eng->count);
	pdt_write(ch, PDT_CH_ENG_CMD, eng->cmd);
	return 0;
}

/**
 * pdt_engine_stop() - Stop the engine and see it stand still.
 * @ch: Channel, locked.
 *
 * Return: 0, or -ETIMEDOUT if something is still in flight.
 */
int pdt_engine_stop(struct pdt_channel *ch)
{
	bool idle;

	lockdep_assert_held(&ch->lock);

	pdt_write(ch, PDT_CH_ENG_CMD, 0);
	pdt_write(ch, PDT_CH_CMD, PDT_CMD_ABORT);
	return read_poll_timeout(pdt_idle, idle, idle, 20, PDT_TIMEOUT_US,
				 false, ch);
}

/**
 * pdt_page_request() - Let a channel send page requests.
 * @ch: Channel, locked.
 * @req: What to ask for.
 *
 * Return:
 * * %0 - sent, or nothing if PRI is off
 * * %-EINVAL - bad request, or no PASID to ask with
 * * %-EBUSY - a single request is under way
 */
int pdt_page_request(struct pdt_channel *ch, const struct pdt_page_req *req)
{
	ioasid_t pasid = req->pasid;

	lockdep_assert_held(&ch->lock);

	if (pasid == PDT_NO_PASID)
		pasid = ch->pasid;
	if (pasid == IOMMU_PASID_INVALID || pasid & ~PDT_CH_PASID_MASK ||
	    req->what & ~PDT_RAW_ALL)
		return -EINVAL;
	if (!pdt_status_idle(pdt_read(ch, PDT_CH_STATUS)))
		return -EBUSY;

	pdt_write(ch, PDT_CH_PASID, pasid | PDT_CH_PASID_VALID);
	pdt_write(ch, PDT_CH_IOVA_LO, lower_32_bits(req->addr));
	pdt_write(ch, PDT_CH_IOVA_HI, upper_32_bits(req->addr));
	pdt_write(ch, PDT_CH_PRI_RAW, req->what);
	return 0;
}

/**
 * pdt_status() - Tell what a channel is doing.
 * @ch: Channel, locked, of a device that is there.
 * @st: Filled in, but for the channel number.
 */
void pdt_status(struct pdt_channel *ch, struct pdt_status *st)
{
	lockdep_assert_held(&ch->lock);

	st->state = ch->state;
	st->pasid = ch->pasid;
	st->bound = pdt_bound(ch);
	st->ref = ch->ref;
	st->running = !pdt_engine_idle(pdt_read(ch, PDT_CH_ENG_STATE));
	st->ok = pdt_read(ch, PDT_CH_ENG_OK);
	st->fault = pdt_read(ch, PDT_CH_ENG_FAULT);
	st->left = pdt_read(ch, PDT_CH_ENG_LEFT);
	st->ats_req = pdt_read(ch, PDT_CH_ATS_REQ);
	st->atc_hit = pdt_read(ch, PDT_CH_ATC_HIT);
	st->pri_req = pdt_read(ch, PDT_CH_PRI_REQ);
	st->pri_ok = pdt_read(ch, PDT_CH_PRI_RESP_OK);
	st->pri_invalid = pdt_read(ch, PDT_CH_PRI_RESP_INVALID);
	st->pri_failure = pdt_read(ch, PDT_CH_PRI_RESP_FAILURE);
}
