/* An echo server of many kinds and its client: processes, threads, edge-triggered epoll, SO_REUSEPORT, a daemon, signals all the time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PART = 16384, PARTS = 12, PEERS = 4 };

static void fail(const char *what) { perror(what); exit(1); }

static volatile sig_atomic_t ticks;
static void tick(int signal) { (void)signal; ticks++; }

/* A signal each millisecond; interrupted calls are started again. */
static void tick_always(void) {
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct itimerval each = {{0, 1000}, {0, 1000}};
    if (sigaction(SIGALRM, &action, 0) || setitimer(ITIMER_REAL, &each, 0)) fail("timer");
}

static int listener(int port, int reuse) {
    int one = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    setsockopt(fd, SOL_SOCKET, reuse ? SO_REUSEPORT : SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (void *)&name, sizeof name) || listen(fd, 64)) fail("listen");
    return fd;
}

static int accepted(int fd) {
    int peer = accept(fd, 0, 0);
    if (peer < 0) fail("accept");
    return peer;
}

static void put(int fd, const char *bytes, size_t len) {
    while (len) {
        ssize_t done = write(fd, bytes, len);
        if (done <= 0) fail("write");
        bytes += done, len -= done;
    }
}

static void echo(int peer) {
    char room[PART];
    ssize_t len;
    while ((len = read(peer, room, sizeof room)) > 0) put(peer, room, len);
    close(peer);
}

static void by_processes(int fd) {
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int peer = accepted(fd);
        if (!fork()) { echo(peer); _exit(0); }
        close(peer);
    }
}

static void *echo_thread(void *peer) { echo((int)(long)peer); return 0; }

static void by_threads(int fd) {
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, 0, echo_thread, (void *)(long)accepted(fd))) fail("thread");
        pthread_detach(thread);
    }
}

struct conversation { int fd, ended; size_t len, done; char room[PART]; };

/* Goes on until the socket would block: with edges nobody tells twice. */
static void go_on(struct conversation *with) {
    for (;;) {
        while (with->done < with->len) {
            ssize_t len = write(with->fd, with->room + with->done, with->len - with->done);
            if (len < 0 && errno == EAGAIN) return;
            if (len < 0) fail("write");
            with->done += len;
        }
        ssize_t len = read(with->fd, with->room, PART);
        if (len < 0 && errno == EAGAIN) return;
        if (len <= 0) { close(with->fd); free(with); return; }
        with->len = len, with->done = 0;
    }
}

static void by_edges(int fd) {
    int set = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event)) fail("epoll");
    for (;;) {
        struct epoll_event events[16];
        int count = epoll_wait(set, events, 16, -1);
        for (int n = 0; n < count; n++) {
            if (events[n].data.ptr) { go_on(events[n].data.ptr); continue; }
            for (int peer; (peer = accept4(fd, 0, 0, SOCK_NONBLOCK)) >= 0;) {
                struct conversation *with = calloc(1, sizeof *with);
                with->fd = peer;
                struct epoll_event both = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = with};
                if (epoll_ctl(set, EPOLL_CTL_ADD, peer, &both)) fail("epoll");
            }
            if (errno != EAGAIN) fail("accept4");
        }
    }
}

static void serve(const char *kind, int port) {
    if (!strcmp(kind, "reuseport")) {
        for (int n = 0; n < 3; n++)
            if (!fork()) break;
        by_processes(listener(port, 1));
    }
    int fd = listener(port, 0);
    if (!strcmp(kind, "daemon") && daemon(1, 1)) fail("daemon");
    if (!strcmp(kind, "signals")) tick_always();
    if (!strcmp(kind, "threads")) by_threads(fd);
    if (!strcmp(kind, "edges")) by_edges(fd);
    by_processes(fd);
}

/* A server that a script has just started may not listen yet. */
static int called(const char *host, const char *port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, port, &hints, &found)) fail("getaddrinfo");
    for (int n = 0; n < 200; n++, usleep(50000)) {
        int peer = socket(found->ai_family, SOCK_STREAM, 0);
        if (!connect(peer, found->ai_addr, found->ai_addrlen)) return peer;
        if (errno != ECONNREFUSED) fail("connect");
        close(peer);
    }
    fail("connect");
    return -1;
}

static int ask(const char *host, const char *port) {
    char sent[PART], got[PART];
    int peer = called(host, port);
    tick_always();
    for (int part = 0; part < PARTS; part++) {
        memset(sent, getpid() + part, PART);
        put(peer, sent, PART);
        for (ssize_t len, done = 0; done < PART; done += len)
            if ((len = read(peer, got + done, PART - done)) <= 0) fail("read");
        if (memcmp(sent, got, PART)) { fprintf(stderr, "another answer on port %s\n", port); return 1; }
    }
    shutdown(peer, SHUT_WR);
    if (read(peer, got, 1) != 0) { fprintf(stderr, "no end on port %s\n", port); return 1; }
    return !ticks;
}

int main(int argc, char **argv) {
    if (!strcmp(argv[1], "serve")) serve(argv[2], atoi(argv[3]));
    for (int port = 3; port < argc; port++)
        for (int n = 0; n < PEERS; n++)
            if (!fork()) return ask(argv[2], argv[port]);
    int status, bad = 0;
    while (wait(&status) > 0) bad |= status;
    return bad != 0;
}
