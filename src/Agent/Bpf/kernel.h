// The few kernel structures that our programs read; libbpf moves the offsets to where the running kernel has them (CO-RE).
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
};

#define __core __attribute__((preserve_access_index))

typedef struct { __u32 val; } kuid_t;

struct qstr { const unsigned char *name; } __core;
struct inode { __u16 i_mode; kuid_t i_uid; } __core;
struct dentry { struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; } __core;
struct vfsmount { struct dentry *mnt_root; } __core;
struct ns_common { __u32 inum; } __core;
struct mnt_namespace { struct ns_common ns; } __core;
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; struct mnt_namespace *mnt_ns; } __core;
struct path { struct vfsmount *mnt; struct dentry *dentry; } __core;
struct file { struct path f_path; } __core;
struct mm_struct { struct file *exe_file; } __core;
struct nsproxy { struct mnt_namespace *mnt_ns; } __core;
struct cred { kuid_t fsuid; } __core;
struct task_struct { struct mm_struct *mm; struct nsproxy *nsproxy; const struct cred *cred; kuid_t loginuid; } __core;

// What the kernel hands to programs, as linux/bpf.h has it; part of its stable interface, so nothing is moved.
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
};

struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};

struct bpf_sockopt {
	struct bpf_sock *sk __attribute__((aligned(8)));
	void *optval __attribute__((aligned(8)));
	void *optval_end __attribute__((aligned(8)));
	__s32 level;
	__s32 optname;
	__s32 optlen;
	__s32 retval;
};
