// What is told of sockets, and the ring that it is told by.
#pragma once

#include "identity.h"

#define RING (1 << 20)
#define NO_PREALLOC 1     // BPF_F_NO_PREALLOC
#define CLONE (1U << 9)   // BPF_F_CLONE: an accepted socket gets its listener's
#define MAPPED (1U << 10) // BPF_F_MMAPABLE
#define ANY 0             // BPF_ANY
#define CREATE 1          // BPF_SK_STORAGE_GET_F_CREATE
#define AVAILABLE 0       // BPF_RB_AVAIL_DATA
#define NO_WAKEUP 1       // BPF_RB_NO_WAKEUP
#define WAKEUP 2          // BPF_RB_FORCE_WAKEUP

#define INET6 10
#define STREAM 1
#define RAW 3
#define ICMP 1
#define TCP 6
#define UDP 17
#define ICMP6 58

#define TCP_CONNECT 3     // BPF_SOCK_OPS_TCP_CONNECT_CB
#define TCP_LISTEN 11     // BPF_SOCK_OPS_TCP_LISTEN_CB

// What is told; OwnerEvent.cs has the same.
#define CONNECTS 1        // from a local end to a remote one
#define SENDS 2           // from a local port to whomever
#define LISTENS 3         // takes connections or datagrams at a local end
#define ACCEPTS 4         // a connection from a remote end, at the listener whose cookie is told
#define OPENS 5           // sends packets of a protocol that has no ports
#define CLOSES 6          // no longer does any of it

struct event {
	__u64 socket;         // its cookie
	struct identity who;
	struct in6_addr local;
	struct in6_addr remote;
	__u16 local_port;
	__u16 remote_port;
	__u8 kind;
	__u8 protocol;
	__u8 shared;          // whether several processes send from the socket
	__u8 only_v6;         // whether an IPv6 socket takes nothing of IPv4
};

// What a socket without a connection of its own remembers.
struct held {
	struct identity who;
	__u64 second;
	__u32 told;           // how many of its peers were told in this second
	__u8 protocol;
	__u8 open;            // whether it is to be told when it is closed
	__u8 sends;           // whether it was told who sends from it
	__u8 shared;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} bulkhead_here SEC(".maps");

// What is counted; read by the agent where it lies.
#define LOST 0            // events that the full ring did not take
#define HELD_BACK 1       // events that were not told, lest one socket fills the ring

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, MAPPED);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} bulkhead_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct held);
} bulkhead_held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} bulkhead_ring SEC(".maps");

// Whether a socket is of our network namespace, and no kernel's own.
#define is_here(ctx, here) ((here) && bpf_get_netns_cookie(ctx) == (here)->network)

static __always_inline int is_of_kernel(struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

// What stays on the host is not told of, and most hosts ask a name server of their own.
static __always_inline int is_loopback_v4(__be32 address) { return (address & __builtin_bswap32(0xff000000)) == __builtin_bswap32(0x7f000000); }

static __always_inline int is_loopback_v6(const __u32 *words)
{
	return !words[0] && !words[1]
		&& ((!words[2] && words[3] == __builtin_bswap32(1)) || (words[2] == __builtin_bswap32(0xffff) && is_loopback_v4(words[3])));
}

static __always_inline const struct settings *read_settings(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&bulkhead_here, &zero);
}

static __always_inline void copy_v6(struct in6_addr *address, const __u32 *from)
{
	__u32 *words = (void *)address;
	words[0] = from[0];
	words[1] = from[1];
	words[2] = from[2];
	words[3] = from[3];
}

static __always_inline void map_v4(struct in6_addr *address, __be32 v4)
{
	__builtin_memset(address, 0, 10);
	address->bytes[10] = address->bytes[11] = 0xff;
	__builtin_memcpy(&address->bytes[12], &v4, 4);
}

static __always_inline void count(__u32 what)
{
	__u64 *counted = bpf_map_lookup_elem(&bulkhead_counts, &what);
	if (counted)
		__sync_fetch_and_add(counted, 1);
}

// An event without its ends.
static __always_inline struct event *reserve(__u64 cookie, const struct identity *who, __u8 kind, __u8 protocol)
{
	struct event *event = bpf_ringbuf_reserve(&bulkhead_ring, sizeof(*event), 0);
	if (!event) {
		count(LOST);
		return 0;
	}

	event->socket = cookie;
	event->who = *who;
	event->kind = kind;
	event->protocol = protocol;
	event->shared = 0;
	event->only_v6 = 0;
	return event;
}

static __noinline struct event *begin(struct sock *sk, __u64 cookie, const struct identity *who, __u8 kind, __u8 protocol)
{
	struct event *event = reserve(cookie, who, kind, protocol);
	if (!event)
		return 0;

	struct { __be32 remote, local; } v4;
	struct { __be16 remote; __u16 local; } port;
	struct sock_common *common = &sk->__sk_common;
	bpf_core_read(&v4, sizeof(v4), &common->skc_addrpair);
	bpf_core_read(&port, sizeof(port), &common->skc_portpair);
	event->only_v6 = kind == LISTENS && BPF_CORE_READ_BITFIELD_PROBED(common, skc_ipv6only);
	event->local_port = kind >= OPENS && BPF_CORE_READ(sk, sk_type) == RAW ? 0 : port.local;
	event->remote_port = __builtin_bswap16(port.remote);
	if (BPF_CORE_READ(common, skc_family) == INET6) {
		event->local = BPF_CORE_READ(common, skc_v6_rcv_saddr);
		event->remote = BPF_CORE_READ(common, skc_v6_daddr);
	} else {
		map_v4(&event->local, v4.local);
		map_v4(&event->remote, v4.remote);
	}

	return event;
}

static __always_inline void end(struct event *event)
{
	bpf_ringbuf_submit(event, bpf_ringbuf_query(&bulkhead_ring, AVAILABLE) > RING / 4 ? WAKEUP : NO_WAKEUP);
}

static __always_inline void tell(struct sock *sk, __u64 cookie, const struct identity *who, __u8 kind, __u8 protocol)
{
	struct event *event = begin(sk, cookie, who, kind, protocol);
	if (event)
		end(event);
}

static __always_inline int is_same(const struct identity *a, const struct identity *b)
{
	return a->pid == b->pid && a->start == b->start && a->program == b->program && a->uid == b->uid && a->login == b->login && a->cgroup == b->cgroup;
}
