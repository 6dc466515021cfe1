// What is cheap to read, and what is not: a field behind a pointer that the verifier knows costs a nanosecond, one behind a number some forty, by a helper.
#pragma once

// The address of a kernel object as a number, which the verifier lets us reckon with: the difference of two pointers is one.
static __always_inline void *plain(void *object)
{
	__u64 address = (__u64)object;
	struct task_struct *task = bpf_get_current_task_btf();
	asm volatile("%0 -= %1" : "+r"(address) : "r"(task));
	return (void *)(address + bpf_get_current_task());
}
