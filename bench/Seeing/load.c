// The load of `bench agent`, and its ledger: what each process did is written to standard output, a line each, when it ends. In C, so that a client can
// live for less than a millisecond and a process costs next to nothing.
//
//   seeing-load serve ADDRESS PORT...                        accepts and closes, until its standard input is closed at the other end
//   seeing-load connect UID FROM TO PORT RATE SECONDS        makes connections at a steady rate; RATE 0 for as fast as it goes
//   seeing-load brief UID TO PORT RATE COUNT                 starts as many processes that make one connection each and end
//   seeing-load hold UID FROM TO PORT COUNT                  opens connections and keeps them for as long
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what)
{
	fprintf(stderr, "seeing-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void wait_until(long long at)
{
	struct timespec time = { at / 1000000000LL, at % 1000000000LL };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static struct sockaddr_in end_of(const char *address, int port)
{
	struct sockaddr_in end = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, address, &end.sin_addr) != 1)
		fail(address);
	return end;
}

static void become(const char *uid)
{
	int number = atoi(uid);
	if (setgroups(0, NULL) || setgid(number) || setuid(number))
		fail("become a user");
}

static int dial(const struct sockaddr_in *from, const struct sockaddr_in *to)
{
	int one = 1;
	struct linger reset = { 1, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("socket");
	if (from) {
		setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
		if (bind(fd, (const void *)from, sizeof(*from)))
			fail("bind");
	}

	// Nothing lingers: no port is kept by a connection that is over.
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (const void *)to, sizeof(*to)))
		fail("connect");
	return fd;
}

static int serve(int count, char **arguments)
{
	struct pollfd listeners[64 + 1];
	int one = 1;
	int n = 0;
	for (; n + 1 < count && n < 64; n++) {
		struct sockaddr_in end = end_of(arguments[0], atoi(arguments[n + 1]));
		listeners[n] = (struct pollfd){ socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), POLLIN, 0 };
		setsockopt(listeners[n].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(listeners[n].fd, (void *)&end, sizeof(end)) || listen(listeners[n].fd, 4096))
			fail("listen");
	}

	puts("ready");
	fflush(stdout);
	listeners[n] = (struct pollfd){ 0, 0, 0 };
	while ((poll(listeners, n + 1, -1) >= 0 || errno == EINTR) && !listeners[n].revents) {
		for (int i = 0; i < n; i++) {
			if (!listeners[i].revents)
				continue;

			// The last port is for connections that are held.
			int fd;
			while ((fd = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
				if (n == 1 || i + 1 < n)
					close(fd);
		}
	}

	return 1;
}

static int make(char **arguments)
{
	become(arguments[0]);
	struct sockaddr_in from = end_of(arguments[1], 0);
	struct sockaddr_in to = end_of(arguments[2], atoi(arguments[3]));
	long long rate = atoll(arguments[4]);
	long long start = now(), end = start + (long long)(atof(arguments[5]) * 1e9);
	long long made = 0;
	for (long long at = now(); at < end; at = now()) {
		char nothing;
		if (rate && start + made * 1000000000LL / rate > at) {
			wait_until(start + made * 1000000000LL / rate);
			continue;
		}

		int fd = dial(&from, &to);
		if (recv(fd, &nothing, 1, 0) != 0)
			fail("wait for the server");
		close(fd);
		made++;
	}

	printf("%d %lld\n", getpid(), made);
	return 0;
}

static int brief(char **arguments)
{
	become(arguments[0]);
	long long rate = atoll(arguments[3]), start = now();
	int count = atoi(arguments[4]);
	char *once[] = { "seeing-load", "once", arguments[1], arguments[2], NULL };
	for (long long i = 0; i < count; i++) {
		pid_t pid;
		int status;
		wait_until(start + i * 1000000000LL / rate);
		long long began = now();
		if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, once, environ))
			fail("start a process");
		if (waitpid(pid, &status, 0) != pid || status)
			fail("wait for a process");
		printf("%d 1 %lld\n", pid, now() - began);
	}

	return 0;
}

static int once(char **arguments)
{
	struct sockaddr_in to = end_of(arguments[0], atoi(arguments[1]));
	dial(NULL, &to);
	return 0;
}

static int hold(char **arguments)
{
	become(arguments[0]);
	struct sockaddr_in from = end_of(arguments[1], 0);
	struct sockaddr_in to = end_of(arguments[2], atoi(arguments[3]));
	int count = atoi(arguments[4]);
	for (int i = 0; i < count; i++)
		dial(&from, &to);
	printf("%d %d\n", getpid(), count);
	fflush(stdout);
	struct pollfd end = { 0, 0, 0 };
	poll(&end, 1, -1);
	return 0;
}

int main(int count, char **arguments)
{
	const char *role = count > 1 ? arguments[1] : "";
	if (!strcmp(role, "serve") && count > 3)
		return serve(count - 2, arguments + 2);
	if (!strcmp(role, "connect") && count == 8)
		return make(arguments + 2);
	if (!strcmp(role, "brief") && count == 7)
		return brief(arguments + 2);
	if (!strcmp(role, "once") && count == 4)
		return once(arguments + 2);
	if (!strcmp(role, "hold") && count == 7)
		return hold(arguments + 2);
	fputs("seeing-load: serve, connect, brief or hold; see load.c\n", stderr);
	return 2;
}
