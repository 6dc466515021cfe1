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
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
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
struct cred { kuid_t euid; kuid_t fsuid; } __core;
struct pid_namespace { struct ns_common ns; } __core;
struct upid { int nr; struct pid_namespace *ns; } __core;
struct pid { unsigned int level; struct upid numbers[1]; } __core;
struct kernfs_node { __u64 id; const char *name; struct kernfs_node *parent; } __core;
struct kernfs_node___moved { struct kernfs_node *__parent; } __core; // since 6.15
struct cgroup { struct kernfs_node *kn; } __core;
struct css_set { struct cgroup *dfl_cgrp; } __core;
struct task_struct {
	int tgid;
	__u64 start_boottime;
	__u64 self_exec_id;
	char comm[16];
	struct pid *thread_pid;
	struct task_struct *group_leader;
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	const struct cred *cred;
	kuid_t loginuid;
} __core;

struct in6_addr { __u8 bytes[16]; };
struct sock_common {
	__u64 skc_addrpair;   // remote, local
	__be16 skc_dport;
	__u32 skc_portpair;   // remote, local
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} __core;
struct sock { struct sock_common __sk_common; struct { int owned; } sk_lock; __u16 sk_protocol; __u16 sk_type; __u8 sk_kern_sock : 1; } __core;

// What the kernel hands to programs, as linux/bpf.h has it; part of its stable interface, so nothing is moved.
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;       // in the host's order
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

// The beginning of it.
struct bpf_sock_ops {
	__u32 op;
	__u32 args[4];
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 is_fullsock;
	__u32 snd_cwnd;
	__u32 srtt_us;
	__u32 bpf_sock_ops_cb_flags;
	__u32 state;
	__u32 rtt_min;
	__u32 snd_ssthresh;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 mss_cache;
	__u32 ecn_flags;
	__u32 rate_delivered;
	__u32 rate_interval_us;
	__u32 packets_out;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 segs_in;
	__u32 data_segs_in;
	__u32 segs_out;
	__u32 data_segs_out;
	__u32 lost_out;
	__u32 sacked_out;
	__u32 sk_txhash;
	__u64 bytes_received;
	__u64 bytes_acked;
	struct bpf_sock *sk __attribute__((aligned(8)));
};
