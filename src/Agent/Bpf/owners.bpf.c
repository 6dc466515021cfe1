// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Says who makes each connection of the host, when it is made, while whoever does is there to be seen. Tells by a ring that nobody is woken for until it
// is a quarter full. Loaded by src/Agent/Linux/Bpf/ConnectionOwners.cs; attached to the host's cgroup for as long as the agent lives.
#include "identity.h"

#define RING (1 << 20)
#define NO_PREALLOC 1     // BPF_F_NO_PREALLOC
#define CLONE (1U << 9)   // BPF_F_CLONE: an accepted socket gets its listener's
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
#define TCP_PASSIVE 5     // BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB
#define TCP_LISTEN 11     // BPF_SOCK_OPS_TCP_LISTEN_CB

// What is told; OwnerEvent.cs has the same.
#define CONNECTS 1        // from a local end to a remote one
#define SENDS 2           // from a local port to whomever
#define LISTENS 3         // takes connections or datagrams at a local end
#define ACCEPTS 4         // from a remote end, by one of several listeners of the same port
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
	__u8 unused;
};

// What a socket without a connection of its own remembers.
struct held {
	struct identity who;
	struct in6_addr remote;
	__u16 remote_port;
	__u8 protocol;
	__u8 open;            // whether it is to be told when it is closed
	__u8 untold;          // whether it has a peer that was not told, for want of a port
	__u8 sends;           // whether it was told who sends from it
	__u8 shared;
	__u8 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} bulkhead_here SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bulkhead_lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC);
	__type(key, int);
	__type(value, struct held);
} bulkhead_held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC | CLONE);
	__type(key, int);
	__type(value, struct identity);
} bulkhead_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} bulkhead_ring SEC(".maps");

// The verifier lets nobody reckon with the address of a socket; read from the stack it is a number.
static __always_inline struct sock *plain(void *socket)
{
	void *volatile at = socket;
	struct sock *sk = 0;
	bpf_probe_read_kernel(&sk, sizeof(sk), (void *)&at);
	return sk;
}

static __always_inline int is_here(struct sock *sk, const struct settings *here)
{
	return here && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == here->network && !BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

static __always_inline const struct settings *read_settings(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&bulkhead_here, &zero);
}

static __always_inline void map_v4(struct in6_addr *address, __be32 v4)
{
	__builtin_memset(address, 0, 10);
	address->bytes[10] = address->bytes[11] = 0xff;
	__builtin_memcpy(&address->bytes[12], &v4, 4);
}

static __noinline struct event *begin(struct sock *sk, __u64 cookie, const struct identity *who, __u8 kind, __u8 protocol)
{
	struct event *event = bpf_ringbuf_reserve(&bulkhead_ring, sizeof(*event), 0);
	if (!event) {
		__u32 zero = 0;
		__u64 *lost = bpf_map_lookup_elem(&bulkhead_lost, &zero);
		if (lost)
			__sync_fetch_and_add(lost, 1);
		return 0;
	}

	event->socket = cookie;
	event->who = *who;
	event->kind = kind;
	event->protocol = protocol;
	event->shared = 0;
	event->unused = 0;
	event->local_port = BPF_CORE_READ(sk, sk_type) == RAW ? 0 : BPF_CORE_READ(sk, __sk_common.skc_num);
	event->remote_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == INET6) {
		event->local = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		event->remote = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
	} else {
		map_v4(&event->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_v4(&event->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
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

SEC("sockops")
int bulkhead_tcp(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op;
	struct bpf_sock *socket = ctx->sk;
	if ((op != TCP_CONNECT && op != TCP_PASSIVE && op != TCP_LISTEN) || !socket)
		return 1;

	struct sock *sk = plain(socket);
	if (op == TCP_PASSIVE) {
		struct identity *listener = bpf_sk_storage_get(&bulkhead_shared, socket, 0, 0);
		if (listener) {
			tell(sk, bpf_get_socket_cookie(ctx), listener, ACCEPTS, TCP);
			bpf_sk_storage_delete(&bulkhead_shared, socket);
		}

		return 1;
	}

	const struct settings *here = read_settings();
	if (!is_here(sk, here))
		return 1;

	struct identity who;
	identify(&who, here);
	__u64 cookie = bpf_get_socket_cookie(ctx);
	if (op == TCP_CONNECT) {
		tell(sk, cookie, &who, CONNECTS, TCP);
		return 1;
	}

	struct held *held = bpf_sk_storage_get(&bulkhead_held, socket, 0, CREATE);
	if (held) {
		held->who = who;
		held->open = 1;
		held->protocol = TCP;
	}

	if (BPF_CORE_READ_BITFIELD_PROBED((struct sock_common *)sk, skc_reuseport)) {
		struct identity *shared = bpf_sk_storage_get(&bulkhead_shared, socket, &who, CREATE);
		if (shared)
			*shared = who;
	}

	tell(sk, cookie, &who, LISTENS, TCP);
	return 1;
}

static __always_inline int is_same(const struct identity *a, const struct identity *b)
{
	return a->pid == b->pid && a->start == b->start && a->program == b->program && a->uid == b->uid && a->login == b->login && a->cgroup == b->cgroup;
}

static __always_inline void tell_peer(struct sock *sk, __u64 cookie, struct held *held)
{
	if (!held->untold)
		return;

	held->untold = 0;
	struct event *event = begin(sk, cookie, &held->who, CONNECTS, held->protocol);
	if (event) {
		event->remote = held->remote;
		event->remote_port = held->remote_port;
		end(event);
	}
}

// A datagram socket chooses whom it sends to. Its port is not known before it has one, so that of a first peer is told later: with the next one, or when it is closed.
static __always_inline int address(struct bpf_sock_addr *ctx, int is_v6, int connects)
{
	struct bpf_sock *socket = ctx->sk;
	const struct settings *here = read_settings();
	if (ctx->type == STREAM || !socket)
		return 1;

	struct sock *sk = plain(socket);
	if (!is_here(sk, here))
		return 1;

	struct in6_addr remote;
	struct held *held = bpf_sk_storage_get(&bulkhead_held, socket, 0, CREATE);
	struct identity who;
	__u16 remote_port = __builtin_bswap16(ctx->user_port);
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);
	__u8 protocol = BPF_CORE_READ(sk, sk_protocol);
	if (!held || (protocol != UDP && protocol != ICMP && protocol != ICMP6))
		return 1;

	if (is_v6) {
		__u32 *words = (void *)&remote;
		words[0] = ctx->user_ip6[0];
		words[1] = ctx->user_ip6[1];
		words[2] = ctx->user_ip6[2];
		words[3] = ctx->user_ip6[3];
	} else {
		map_v4(&remote, ctx->user_ip4);
	}

	identify(&who, here);
	int same = is_same(&held->who, &who);
	if (!connects && held->sends && same && !held->shared)
		return 1;

	__u64 cookie = bpf_get_socket_cookie(ctx);
	held->protocol = protocol;
	if (port)
		tell_peer(sk, cookie, held);

	if (held->sends && !same)
		held->shared = 1;
	held->who = who;
	if (connects && !port) {
		held->remote = remote;
		held->remote_port = remote_port;
		held->untold = 1;
		return 1;
	}

	struct event *event = begin(sk, cookie, &who, connects ? CONNECTS : SENDS, protocol);
	if (event) {
		event->remote = remote;
		event->remote_port = remote_port;
		event->shared = held->shared;
		held->sends |= !connects;
		held->open |= !connects;
		end(event);
	}

	return 1;
}

SEC("cgroup/connect4")
int bulkhead_to4(struct bpf_sock_addr *ctx) { return address(ctx, 0, 1); }

SEC("cgroup/connect6")
int bulkhead_to6(struct bpf_sock_addr *ctx) { return address(ctx, 1, 1); }

SEC("cgroup/sendmsg4")
int bulkhead_msg4(struct bpf_sock_addr *ctx) { return address(ctx, 0, 0); }

SEC("cgroup/sendmsg6")
int bulkhead_msg6(struct bpf_sock_addr *ctx) { return address(ctx, 1, 0); }

static __always_inline int take(struct bpf_sock *ctx, __u8 kind, __u8 protocol)
{
	struct sock *sk = plain(ctx);
	const struct settings *here = read_settings();
	struct identity who;
	if (!is_here(sk, here))
		return 1;

	identify(&who, here);
	struct held *held = bpf_sk_storage_get(&bulkhead_held, ctx, 0, CREATE);
	if (held) {
		held->who = who;
		held->open = 1;
		held->protocol = protocol;
	}

	tell(sk, bpf_get_socket_cookie(ctx), &who, kind, protocol);
	return 1;
}

SEC("cgroup/post_bind4")
int bulkhead_bind4(struct bpf_sock *ctx) { return ctx->protocol == UDP ? take(ctx, LISTENS, UDP) : 1; }

SEC("cgroup/post_bind6")
int bulkhead_bind6(struct bpf_sock *ctx) { return ctx->protocol == UDP ? take(ctx, LISTENS, UDP) : 1; }

SEC("cgroup/sock_create")
int bulkhead_open(struct bpf_sock *ctx)
{
	__u32 protocol = ctx->protocol;
	return ctx->type == RAW || protocol == ICMP || protocol == ICMP6 ? take(ctx, OPENS, protocol) : 1;
}

SEC("cgroup/sock_release")
int bulkhead_close(struct bpf_sock *ctx)
{
	struct held *held = bpf_sk_storage_get(&bulkhead_held, ctx, 0, 0);
	if (!held)
		return 1;

	struct sock *sk = plain(ctx);
	__u64 cookie = bpf_get_socket_cookie(ctx);
	if (BPF_CORE_READ(sk, __sk_common.skc_num))
		tell_peer(sk, cookie, held);
	if (held->open)
		tell(sk, cookie, &held->who, CLOSES, held->protocol);
	return 1;
}

char _license[] SEC("license") = "GPL";
