// Who takes a connection that came in: not always who began to listen. A listener may be handed on (socket activation), inherited, or held by several workers.
// There is no moment of accepting that every kernel lets programs see. So an accepted socket bears its listener's mark until a process first does something
// with it: asks for its peer (as accept itself does on behalf of a program that gave room for the address), reads from it, or closes it.
#pragma once

#include "events.h"

struct taken {
	struct identity who;  // who began to listen; all zero for a listener that is older than these programs
	__u64 listener;       // its cookie
	__u8 always;          // whether each acceptance is to be told, since several listeners have the port
	__u8 done;
	__u8 unused[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, NO_PREALLOC | CLONE);
	__type(key, int);
	__type(value, struct taken);
} bulkhead_taken SEC(".maps");

// Who was seen taking connections of a listener.
#define ITSELF 1          // who began to listen
#define OTHERS 2

struct takers {
	struct identity maker; // who began to listen; nobody for a listener that is older, so that each acceptance is told
	__u32 seen;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct takers);
} bulkhead_takers SEC(".maps"); // from when it begins to listen, or is adopted, until the listener is closed

// Of a listener that only its maker accepts from, that is told once; as soon as another does, everything is.
static __noinline int accepted(struct sock *sk, struct taken *taken)
{
	const struct settings *here = read_settings();
	if (!taken || taken->done || !here || !BPF_CORE_READ(sk, __sk_common.skc_dport))
		return 0;

	struct identity who;
	run_by(&who);
	if (!who.pid)
		return 0; // of a process that is ending, or the kernel's

	taken->done = 1;
	__u64 listener = taken->listener;
	// None of a listener that is closed already, or where there are too many of them: then each acceptance is told.
	struct takers *takers = bpf_map_lookup_elem(&bulkhead_takers, &listener);
	if (takers) {
		__u32 before = takers->seen;
		__u32 now = before | (is_same(&who, &takers->maker) ? ITSELF : OTHERS);
		takers->seen = now;
		if (now == before && !(now & OTHERS) && !taken->always)
			return 0;
	}

	know(&who, here);
	tell(sk, listener, &who, ACCEPTS, TCP);
	return 0;
}

static __always_inline int peer_asked(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *socket = ctx->sk;
	if (!socket)
		return 1;

	struct taken *taken = bpf_sk_storage_get(&bulkhead_taken, socket, 0, 0);
	if (taken)
		accepted(plain(socket), taken);
	return 1;
}

SEC("cgroup/getpeername4")
int bulkhead_peer4(struct bpf_sock_addr *ctx) { return peer_asked(ctx); }

SEC("cgroup/getpeername6")
int bulkhead_peer6(struct bpf_sock_addr *ctx) { return peer_asked(ctx); }

// The first reading. Where the kernel itself reads, for another socket or for nobody, it does not hold the socket for a process.
SEC("tp_btf/tcp_rcv_space_adjust")
int bulkhead_read(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	struct taken *taken = bpf_sk_storage_get(&bulkhead_taken, sk, 0, 0);
	if (taken && !taken->done && BPF_CORE_READ(sk, sk_lock.owned))
		accepted(plain(sk), taken);
	return 0;
}
