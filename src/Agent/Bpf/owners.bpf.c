// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// Says who makes each connection of the host, when it is made, while whoever does is there to be seen. Tells by a ring that nobody is woken for until it
// is a quarter full. Loaded by src/Agent/Linux/Bpf/ConnectionOwners.cs; attached to the host's cgroup for as long as the agent lives.
#include "acceptors.h"

SEC("sockops")
int bulkhead_tcp(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op;
	struct bpf_sock *socket = ctx->sk;
	if ((op != TCP_CONNECT && op != TCP_LISTEN) || !socket)
		return 1;

	struct sock *sk = plain(socket);
	const struct settings *here = read_settings();
	if (!is_here(ctx, here) || is_of_kernel(sk))
		return 1;
	if (op == TCP_CONNECT && (ctx->family == INET6 ? is_loopback_v6(ctx->local_ip6) : is_loopback_v4(ctx->local_ip4)))
		return 1;

	struct identity who;
	identify(&who, here);
	__u64 cookie = bpf_get_socket_cookie(ctx);
	if (op == TCP_CONNECT) {
		struct event *event = reserve(cookie, &who, CONNECTS, TCP);
		if (!event)
			return 1;

		event->local_port = ctx->local_port;
		event->remote_port = __builtin_bswap32(ctx->remote_port);
		if (ctx->family == INET6) {
			copy_v6(&event->local, ctx->local_ip6);
			copy_v6(&event->remote, ctx->remote_ip6);
		} else {
			map_v4(&event->local, ctx->local_ip4);
			map_v4(&event->remote, ctx->remote_ip4);
		}

		end(event);
		return 1;
	}

	struct held *held = bpf_sk_storage_get(&bulkhead_held, socket, 0, CREATE);
	if (held) {
		held->who = who;
		held->open = 1;
		held->protocol = TCP;
	}

	struct taken *taken = bpf_sk_storage_get(&bulkhead_taken, socket, 0, CREATE);
	if (taken) {
		struct takers none = {};
		none.maker = who;
		bpf_map_update_elem(&bulkhead_takers, &cookie, &none, ANY);
		taken->who = who;
		taken->listener = cookie;
		taken->always = BPF_CORE_READ_BITFIELD_PROBED((struct sock_common *)sk, skc_reuseport);
	}

	tell(sk, cookie, &who, LISTENS, TCP);
	return 1;
}

#define SECOND 1000000000ULL
#define FORGOTTEN (5 * SECOND)
#define MOST_PEERS 2000   // of one socket of several processes, in a second

struct peer {
	__u64 socket;
	struct in6_addr remote;
	__u16 port;
	__u16 unused[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct peer);
	__type(value, __u64);   // when it was sent to last
} bulkhead_peers SEC(".maps"); // of sockets that several processes send from

// A first peer, chosen before the socket had a port. Here, not at the socket: that would take thrice as long.
struct untold {
	struct identity who;
	struct in6_addr remote;
	__u16 port;
	__u16 unused[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);     // the socket's cookie
	__type(value, struct untold);
} bulkhead_untold SEC(".maps");

static __always_inline void tell_peer(struct sock *sk, __u64 cookie, __u8 protocol)
{
	struct untold *peer = bpf_map_lookup_elem(&bulkhead_untold, &cookie);
	if (!peer)
		return;

	struct event *event = begin(sk, cookie, &peer->who, CONNECTS, protocol);
	if (event) {
		event->remote = peer->remote;
		event->remote_port = peer->port;
		if (event->local_port)
			end(event);
		else
			bpf_ringbuf_discard(event, NO_WAKEUP);
	}

	bpf_map_delete_elem(&bulkhead_untold, &cookie);
}

// Whether a datagram from a socket of several processes may begin a connection: to a peer that it did not send to for some seconds, since conntrack remembers
// a peer for longer. What there is too much of to tell is counted.
static __always_inline int is_worth_telling(struct held *held, __u64 cookie, const struct in6_addr *remote, __u16 port)
{
	struct peer peer = { .socket = cookie, .remote = *remote, .port = port };
	__u64 now = bpf_ktime_get_ns();
	__u64 *sent = bpf_map_lookup_elem(&bulkhead_peers, &peer);
	if (sent) {
		__u64 before = *sent;
		*sent = now;
		if (now - before < FORGOTTEN)
			return 0;
	} else {
		bpf_map_update_elem(&bulkhead_peers, &peer, &now, ANY);
	}

	if (now - held->second > SECOND) {
		held->second = now;
		held->told = 0;
	}

	if (held->told >= MOST_PEERS) {
		count(HELD_BACK);
		return 0;
	}

	held->told++;
	return 1;
}

// A datagram socket chooses whom it sends to. Its port is not known before it has one, so that of a first peer is told later: with the next one, or when it is closed.
static __always_inline int address(struct bpf_sock_addr *ctx, int is_v6, int connects)
{
	struct bpf_sock *socket = ctx->sk;
	const struct settings *here = read_settings();
	if (ctx->type == STREAM || !socket || !is_here(ctx, here) || (is_v6 ? is_loopback_v6(ctx->user_ip6) : is_loopback_v4(ctx->user_ip4)))
		return 1;

	struct identity who;
	run_by(&who);
	struct held *held = bpf_sk_storage_get(&bulkhead_held, socket, 0, 0);
	int same = held && is_same(&held->who, &who);
	if (!connects && same && held->sends && !held->shared)
		return 1;

	struct sock *sk = plain(socket);
	__u8 protocol = socket->protocol;
	if (is_of_kernel(sk) || (protocol != UDP && protocol != ICMP && protocol != ICMP6))
		return 1;

	struct untold peer = { .port = __builtin_bswap16(ctx->user_port) };
	__u16 port = socket->src_port;
	if (is_v6) {
		copy_v6(&peer.remote, ctx->user_ip6);
	} else {
		map_v4(&peer.remote, ctx->user_ip4);
	}

	know(&who, here);
	peer.who = who;
	__u64 cookie = bpf_get_socket_cookie(ctx);
	if (connects && !port) {
		if (bpf_map_update_elem(&bulkhead_untold, &cookie, &peer, IF_NEW)) {
			// A disconnected socket has lost its port, and the one that it had with its first peer is not known any more.
			count(HELD_BACK);
			bpf_map_update_elem(&bulkhead_untold, &cookie, &peer, ANY);
		}

		return 1;
	}

	if (port)
		tell_peer(sk, cookie, protocol);
	if (!connects && !held)
		held = bpf_sk_storage_get(&bulkhead_held, socket, 0, CREATE);
	if (held) {
		held->shared |= held->sends && !same;
		held->who = who;
		held->protocol = protocol;
	}

	if (!connects && (!held || (held->shared && !is_worth_telling(held, cookie, &peer.remote, peer.port))))
		return 1;

	struct event *event = begin(sk, cookie, &who, connects ? CONNECTS : SENDS, protocol);
	if (event) {
		event->remote = peer.remote;
		event->remote_port = peer.port;
		if (held) {
			event->shared = held->shared;
			held->sends |= !connects;
			held->open |= !connects;
		}

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
	if (!is_here(ctx, here) || is_of_kernel(sk))
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
	if (ctx->type == STREAM) {
		struct taken *taken = bpf_sk_storage_get(&bulkhead_taken, ctx, 0, 0);
		if (!taken)
			return 1; // A listener has it as well.

		__u64 cookie = bpf_get_socket_cookie(ctx);
		if (taken->listener != cookie) {
			accepted(plain(ctx), taken);
			return 1;
		}

		bpf_map_delete_elem(&bulkhead_takers, &cookie);
	}

	struct sock *sk = plain(ctx);
	__u64 cookie = bpf_get_socket_cookie(ctx);
	if (ctx->type != STREAM)
		tell_peer(sk, cookie, ctx->protocol);
	struct held *held = bpf_sk_storage_get(&bulkhead_held, ctx, 0, 0);
	if (held && held->open)
		tell(sk, cookie, &held->who, CLOSES, held->protocol);
	return 1;
}

char _license[] SEC("license") = "GPL";
