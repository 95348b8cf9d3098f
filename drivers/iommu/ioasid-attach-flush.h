/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For ioasid-attach.c only: what ioasid-attach-flush.c does. All but the two that
 * finish are called with &ioasid_attachments.lock, and these without.
 */
#ifndef __IOASID_ATTACH_FLUSH_H
#define __IOASID_ATTACH_FLUSH_H

#include "ioasid-attach.h"

void ioasid_attach_set_state(struct ioasid_attachments *all,
			     struct ioasid_attach *att,
			     enum ioasid_attach_state state);
void ioasid_attach_quiet(struct ioasid_attachments *all,
			 struct ioasid_attach *att);
void ioasid_attach_flush(struct ioasid_attachments *all, struct list_head *atts);
bool ioasid_attach_may_ask(struct ioasid_attach *att);
void ioasid_attach_finish(struct ioasid_attachments *all,
			  struct ioasid_attach *att);
void ioasid_attach_finish_all(struct ioasid_attachments *all,
			      struct ioasid_set *set, struct device *dev);

#endif /* __IOASID_ATTACH_FLUSH_H */
