/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine of KVM that knows the devices of a VMM. It never runs: it is
 * about who holds whom. KVM's VFIO device holds the files of the devices, and
 * these, once they are bound, the machine.
 */
#ifndef __SELFTEST_IOASID_VM_H
#define __SELFTEST_IOASID_VM_H

#include <linux/kvm.h>

#include "ioasid_vmm.h"

#define VM_KVM		"/dev/kvm"

struct vm {
	int machine;
	int vfio;
};

static inline void vm_stop(struct vm *vm)
{
	if (vm->vfio >= 0)
		close(vm->vfio);
	if (vm->machine >= 0)
		close(vm->machine);
	vm->vfio = -1;
	vm->machine = -1;
}

/* Before the devices of @vmm are bound */
static inline int vm_start(struct vm *vm, const struct vmm *vmm)
{
	struct kvm_create_device vfio = { .type = KVM_DEV_TYPE_VFIO };
	struct kvm_device_attr add = {
		.group = KVM_DEV_VFIO_FILE, .attr = KVM_DEV_VFIO_FILE_ADD,
	};
	unsigned int d;
	int kvm, ret;

	kvm = open(VM_KVM, O_RDWR);
	if (kvm < 0)
		return -errno;
	vm->machine = ioctl(kvm, KVM_CREATE_VM, 0);
	ret = vm->machine < 0 ? -errno : 0;
	close(kvm);
	if (!ret)
		ret = pdt_ioctl(vm->machine, KVM_CREATE_DEVICE, &vfio);
	if (ret)
		return ret;
	vm->vfio = vfio.fd;
	for (d = 0; d < vmm->devices && !ret; d++) {
		add.addr = (uintptr_t)&vmm->dev[d];
		ret = pdt_ioctl(vm->vfio, KVM_SET_DEVICE_ATTR, &add);
	}
	return ret;
}

#endif /* __SELFTEST_IOASID_VM_H */
