// SPDX-License-Identifier: GPL-2.0
/*
 * Calls every function of include/linux/ioasid.h: for the gate that compiles
 * it without CONFIG_IOASID.
 */
#include <linux/ioasid.h>

/* A handler may be there without the allocator */
static int notify(struct ioasid_nb_args *args, enum ioasid_notify_val val)
{
	return val == IOASID_FREE && args->spid == IOMMU_PASID_INVALID &&
	       args->type == IOASID_SET_TYPE_MM ? IOASID_PRIO_CPU : IOASID_PRIO_IOMMU;
}

static int sets(struct mm_struct *mm, struct notifier_block *nb)
{
	struct ioasid_set *set = ioasid_set_alloc(IOASID_SET_TYPE_PRIVATE, mm, 1);
	int ret = 0;

	if (IS_ERR(set))
		set = ioasid_system_set();
	ret |= ioasid_install_capacity(1 << IOASID_MAX_BITS);
	ret |= ioasid_set_resize(set, 2);
	ret |= ioasid_set_move(&set, 1, mm);
	ret |= ioasid_register_notifier(set, nb);
	ret |= ioasid_register_notifier_mm(mm, nb);
	ioasid_unregister_notifier(set, nb);
	ioasid_unregister_notifier_mm(mm, nb);
	ioasid_set_put(ioasid_set_get(set));
	ioasid_set_free_ids(set);
	ret += ioasid_set_count(set);
	ioasid_set_free(set);
	ioasid_set_put(ioasid_find_set(IOMMU_FIRST_GLOBAL_PASID));
	return ret;
}

static int numbers(struct mm_struct *mm, struct ioasid_set *set)
{
	ioasid_t id = IOMMU_NO_PASID;
	int ret;

	ret = ioasid_alloc(set, 1, 2, NULL, &id);
	ret |= ioasid_alloc_mm(set, 1, 2, mm, &id);
	ret |= ioasid_get(set, id);
	ret |= ioasid_alive(id);
	ret |= IS_ERR(ioasid_find(set, id, NULL));
	ret |= IS_ERR(ioasid_find_mm(id));
	ret |= ioasid_attach_data(set, id, mm);
	ret |= IS_ERR(ioasid_detach_data(set, id));
	ret |= ioasid_attach_spid(set, id, 1);
	ret |= ioasid_find_by_spid(set, 1, &id);
	ret |= ioasid_detach_spid(set, id);
	ret |= ioasid_notify(set, id, IOASID_BIND);
	ioasid_put(set, id);
	ret |= ioasid_free_async(set, id);
	ret |= ioasid_free(set, id);
	ioasid_synchronize();
	ioasid_describe(1, NULL, 0);
	return ret;
}

int ioasid_stubs(struct mm_struct *mm, struct notifier_block *nb,
		 struct ioasid_allocator_ops *ops, struct ioasid_nb_args *args);

int ioasid_stubs(struct mm_struct *mm, struct notifier_block *nb,
		 struct ioasid_allocator_ops *ops, struct ioasid_nb_args *args)
{
	int ret = ioasid_register_allocator(ops);

	ioasid_unregister_allocator(ops);
	return ret | sets(mm, nb) | numbers(mm, args->set) |
	       notify(args, IOASID_SYNC);
}
