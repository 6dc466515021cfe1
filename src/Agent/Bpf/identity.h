// Who runs now: the identity that connections are told with, and what there is to know of it, which stands in a map once.
#pragma once

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "plain.h"

#define NAME 256          // of a component of a path, its end included
#define PATH 1024
#define DEEPEST 32        // components and mounts from an executable to the root
#define NO_LOGIN 0xffffffff
#define IF_NEW 1          // BPF_NOEXIST

// Who: a program that a process runs, with the users and the cgroup that it has.
struct identity {
	__u64 start;          // when the process began, ns since boot
	__u64 cgroup;
	__u32 pid;            // as the outermost pid namespace has it; 0 for the kernel itself
	__u32 program;        // how many programs the process ran before this one
	__u32 uid;
	__u32 login;
};

// How much of a text there is stands beside it, in the map: read from there it can be anything to the verifier, so that all turns of a loop look the same to it.
struct text {
	__u32 length;         // 0 if it is too long
	char bytes[PATH];
};

// What is to be known of it. Components are from the last to the first, each with its end.
struct facts {
	__u32 pid;            // as the agent's pid namespace has it, or 0
	char name[16];
	struct text path;
	struct text cgroup;
};

struct settings {
	__u64 network;        // its cookie
	__u32 pids;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct facts);
} bulkhead_none SEC(".maps"); // stays empty: what new facts begin with

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct identity);
	__type(value, struct facts);
} bulkhead_facts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, 1); // BPF_F_NO_PREALLOC
	__uint(max_entries, 64);
	__type(key, struct identity);
	__type(value, struct facts);
} bulkhead_drafts SEC(".maps"); // facts that are being found out

static __always_inline int append(struct text *text, const void *name)
{
	__u32 at = text->length;
	if (at >= PATH - NAME)
		return 0;

	__u32 length = bpf_probe_read_kernel_str(text->bytes + at, NAME, name);
	if (length <= NAME)
		text->length = at + length;
	return 1;
}

static __always_inline int read_path(struct text *path, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	struct mount *above;
	struct dentry *parent;

	if (!file || !vfs)
		return 0;

	for (int i = 0; i < DEEPEST; i++) {
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount)
				return 1;

			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}

		parent = BPF_CORE_READ(dentry, d_parent);
		if (!append(path, BPF_CORE_READ(dentry, d_name.name)))
			return 0;
		if (parent == dentry)
			return 1; // of a file that no folder has, as memfd_create makes them
		dentry = parent;
	}

	return 0;
}

static __always_inline int read_cgroup(struct text *path, struct kernfs_node *node)
{
	for (int i = 0; i < DEEPEST; i++) {
		struct kernfs_node___moved *moved = (void *)node;
		struct kernfs_node *parent = bpf_core_field_exists(moved->__parent)
			? BPF_CORE_READ(moved, __parent)
			: BPF_CORE_READ(node, parent);
		if (!parent)
			return 1;
		if (!append(path, BPF_CORE_READ(node, name)))
			return 0;
		node = parent;
	}

	return 0;
}

static __always_inline __u32 pid_within(struct task_struct *leader, __u32 namespace)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 deepest = BPF_CORE_READ(pid, level);
	for (__u32 i = 0; i < 8 && i <= deepest; i++) {
		struct upid *number = (void *)pid + bpf_core_field_offset(struct pid, numbers) + i * bpf_core_type_size(struct upid);
		if (BPF_CORE_READ(number, ns, ns.inum) == namespace)
			return BPF_CORE_READ(number, nr);
	}

	return 0;
}

// Who runs now. The kernel's own threads are nobody.
static __noinline int run_by(struct identity *who)
{
	struct task_struct *task = bpf_get_current_task_btf();

	__builtin_memset(who, 0, sizeof(*who));
	if (!task->mm)
		return 0;

	who->start = task->group_leader->start_boottime;
	who->pid = task->tgid;
	who->program = task->self_exec_id;
	// Where the kernel's types say so, it may be null to the verifier.
	const struct cred *cred = task->cred;
	if (cred)
		who->uid = cred->euid.val;
	who->login = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : NO_LOGIN;
	who->cgroup = task->cgroups->dfl_cgrp->kn->id;
	return 0;
}

// Sees to it that what is to be known of who runs now is. It is put together beside and entered whole, since others look at it meanwhile; of two threads of
// one process the first does it.
static __noinline int know(struct identity *who, const struct settings *here)
{
	if (!who || !here || !who->pid || bpf_map_lookup_elem(&bulkhead_facts, who))
		return 0;

	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u32 zero = 0;
	struct facts *none = bpf_map_lookup_elem(&bulkhead_none, &zero);
	if (!none || bpf_map_update_elem(&bulkhead_drafts, who, none, IF_NEW))
		return 0;

	struct facts *facts = bpf_map_lookup_elem(&bulkhead_drafts, who);
	if (facts) {
		bpf_probe_read_kernel_str(facts->name, sizeof(facts->name), &leader->comm);
		if (!read_cgroup(&facts->cgroup, BPF_CORE_READ(task, cgroups, dfl_cgrp, kn)))
			facts->cgroup.length = 0;
		if (!read_path(&facts->path, task))
			facts->path.length = 0;
		facts->pid = pid_within(leader, here->pids);
		bpf_map_update_elem(&bulkhead_facts, who, facts, IF_NEW);
	}

	bpf_map_delete_elem(&bulkhead_drafts, who);
	return 0;
}

static __always_inline void identify(struct identity *who, const struct settings *here)
{
	run_by(who);
	know(who, here);
}
