// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Stamps each socket of the host with the class of who owns it: its executable and its user. The class stands in some bits of the socket's
// mark, which nftables reads. Loaded by src/Agent/Linux/Bpf; attached at the host's cgroup.
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "plain.h"

#define NAME 64           // of a component of a path, its end included
#define DEEPEST 24        // components and mounts from an executable to the root
#define OTHER 0           // an executable that no rule names
#define UNIDENTIFIED 1    // one that could be anything
#define WRITABLE 022      // by the group or others
#define NO_LOGIN 0xffffffff
#define NO_PREALLOC 1     // BPF_F_NO_PREALLOC: most maps stay nearly empty
#define LASTS 5000000     // ns that a class is remembered for
#define SOL_SOCKET 1
#define SO_MARK 36

// How the agent writes a mark itself: the mark, and behind it what only it knows.
struct write {
	__u32 mark;
	__u32 unused;
	__u64 secret;
};

struct settings {
	__u32 mask;
	__u32 mount_namespace;
	__u64 secret;
};

// A path is followed from its last component to the root, from state to state, from 0 on.
struct step {
	__u32 state;
	char name[NAME];
};

struct owner {
	__u32 path;
	__u32 user;
};

// The class that was found last on a CPU, and when: a program that makes a socket mostly connects it at once, and one that makes many makes them one after the other.
struct recent {
	__u64 check;
	__u64 at;
	__u32 class;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} bulkhead_set SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, NO_PREALLOC);
	__type(key, struct step);
	__type(value, __u32);
} bulkhead_step SEC(".maps");

// State at the root to path.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} bulkhead_path SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32);
} bulkhead_user SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, NO_PREALLOC);
	__type(key, struct owner);
	__type(value, __u32);
} bulkhead_class SEC(".maps");

// Counts the changes of what classes are found by.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bulkhead_turn SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct recent);
} bulkhead_last SEC(".maps");

// What each class means, for the agent after this one; programs do not read it.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, NO_PREALLOC);
	__type(key, __u32);
	__uint(value_size, 1024);
} bulkhead_name SEC(".maps");

static __always_inline int by_root_alone(struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	return inode && BPF_CORE_READ(inode, i_uid.val) == 0 && !(BPF_CORE_READ(inode, i_mode) & WRITABLE);
}

// Which path the task's executable has. One that others than root could have replaced, or of another view of the file system, could be anything.
static __always_inline __u32 path_of(struct file *file, struct mnt_namespace *namespace, const struct settings *set)
{
	struct step step = {};
	__u32 *found;
	int known = 1;

	if (!file || !namespace || BPF_CORE_READ(namespace, ns.inum) != set->mount_namespace)
		return UNIDENTIFIED;

	struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct mount *mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	if (!vfs || !dentry || BPF_CORE_READ(mount, mnt_ns) != namespace)
		return UNIDENTIFIED;

	for (int i = 0; i < DEEPEST; i++) {
		if (!by_root_alone(dentry))
			return UNIDENTIFIED;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *parent = BPF_CORE_READ(mount, mnt_parent);
			if (parent == mount) {
				found = known ? bpf_map_lookup_elem(&bulkhead_path, &step.state) : 0;
				return found ? *found : OTHER;
			}

			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = parent;
			continue;
		}

		if (known) {
			__builtin_memset(step.name, 0, NAME);
			bpf_probe_read_kernel_str(step.name, NAME, BPF_CORE_READ(dentry, d_name.name));
			found = bpf_map_lookup_elem(&bulkhead_step, &step);
			known = found != 0;
			step.state = found ? *found : 0;
		}

		dentry = BPF_CORE_READ(dentry, d_parent);
	}

	return UNIDENTIFIED;
}

static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

static __always_inline __u32 class_of_current(const struct settings *set)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *file = plain(task->mm->exe_file);
	struct mnt_namespace *namespace = plain(task->nsproxy->mnt_ns);
	const struct cred *cred = task->cred; // may be null to the verifier, where the kernel's types say so
	__u32 zero = 0, login = task->loginuid.val, fsuid = cred ? cred->fsuid.val : NO_LOGIN;
	__u32 *turns = bpf_map_lookup_elem(&bulkhead_turn, &zero), turn = turns ? *turns : 0;
	volatile struct recent *last = bpf_map_lookup_elem(&bulkhead_last, &zero);
	__u64 now = bpf_ktime_get_ns(), found_by = set->secret;

	found_by = mix(found_by, task->group_leader->start_boottime);
	found_by = mix(found_by, (__u64)task->self_exec_id << 32 | task->tgid);
	found_by = mix(found_by, (__u64)file);
	found_by = mix(found_by, (__u64)namespace);
	found_by = mix(found_by, (__u64)login << 32 | fsuid);
	found_by = mix(found_by, turn);

	// Other tasks may come in between on this CPU, while it is read or written. The check stands for all that a class was found by, and for the class:
	// what is mixed of several does not pass it.
	if (last) {
		__u64 at = last->at;
		__u32 known = last->class;
		if (now - at < LASTS && last->check == mix(mix(found_by, at), known))
			return known;
	}

	__u32 uid = login == NO_LOGIN ? fsuid : login;
	__u32 *user = bpf_map_lookup_elem(&bulkhead_user, &uid);
	struct owner owner = { .path = path_of(file, namespace, set), .user = user ? *user : 0 };
	__u32 *found = bpf_map_lookup_elem(&bulkhead_class, &owner);
	if (!found) {
		// An executable that an earlier rule named is one that no rule names now, in groups that nobody asked for then.
		owner.path = OTHER;
		found = bpf_map_lookup_elem(&bulkhead_class, &owner);
	}

	__u32 class = found ? *found : 0;
	if (last) {
		last->at = now;
		last->class = class;
		last->check = mix(mix(found_by, now), class);
	}

	return class;
}

static __always_inline const struct settings *read_settings(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&bulkhead_set, &zero);
}

SEC("cgroup/sock_create")
int bulkhead_create(struct bpf_sock *sk)
{
	const struct settings *set = read_settings();
	if (set)
		sk->mark = (sk->mark & ~set->mask) | class_of_current(set);
	return 1;
}

// Who connects or sends need not be who created the socket.
static __always_inline int stamp(struct bpf_sock_addr *ctx)
{
	const struct settings *set = read_settings();
	struct bpf_sock *sk = ctx->sk;
	if (set && sk) {
		__u32 mark = (sk->mark & ~set->mask) | class_of_current(set);
		if (mark != sk->mark && bpf_setsockopt(ctx, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
			return 0;
	}

	return 1;
}

SEC("cgroup/connect4")
int bulkhead_conn4(struct bpf_sock_addr *ctx) { return stamp(ctx); }

SEC("cgroup/connect6")
int bulkhead_conn6(struct bpf_sock_addr *ctx) { return stamp(ctx); }

SEC("cgroup/sendmsg4")
int bulkhead_send4(struct bpf_sock_addr *ctx) { return stamp(ctx); }

SEC("cgroup/sendmsg6")
int bulkhead_send6(struct bpf_sock_addr *ctx) { return stamp(ctx); }

// Others may set their bits of a mark and not ours: those that they leave 0 stay as they are, and whoever names a class is refused.
SEC("cgroup/setsockopt")
int bulkhead_opt(struct bpf_sockopt *ctx)
{
	const struct settings *set = read_settings();
	__u32 *value = ctx->optval;
	struct bpf_sock *sk = ctx->sk;
	if (ctx->level != SOL_SOCKET || ctx->optname != SO_MARK || !set || !sk) {
		if (ctx->optlen > 4096)
			ctx->optlen = 0; // a longer option passes as it is
		return 1;
	}

	if ((void *)(value + 1) > ctx->optval_end)
		return 0;

	struct write *write = ctx->optval;
	if ((void *)(write + 1) <= ctx->optval_end && write->secret == set->secret)
		return 1;

	__u32 ours = sk->mark & set->mask;
	if ((*value & set->mask) && (*value & set->mask) != ours)
		return 0;

	*value = (*value & ~set->mask) | ours;
	return 1;
}

char _license[] SEC("license") = "GPL";
