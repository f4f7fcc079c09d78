/* Programs that ask for too much, each by its name: `greedy NAME [NUMBER]`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in at(const char *host, int port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, host, &to.sin_addr);
    return to;
}

static int joined(const char *host, int port) {
    struct sockaddr_in to = at(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, (void *)&to, sizeof to) < 0) { perror("connect"); exit(1); }
    return fd;
}

/* Asks a name server and never listens to the answers. */
static int questions(int count) {
    struct sockaddr_in to = at("192.0.2.53", 53);
    char query[32] = "Q";
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    for (int n = 0; n < count; n++) sendto(fd, query, sizeof query, 0, (void *)&to, sizeof to);
    puts("asked");
    return 0;
}

/* Sends to itself and reads by calls that are not trapped. */
static int native(int count) {
    char data[100] = "";
    struct sockaddr_in here = at("127.0.0.1", 9000);
    int in = socket(AF_INET, SOCK_DGRAM, 0), got = 0;
    bind(in, (void *)&here, sizeof here);
    int out = joined("127.0.0.1", 9000);
    /* However many are lost on the way: so many are read. */
    for (int n = 0; got < count; n++) {
        if (write(out, data, sizeof data) < 0) perror("write");
        if (n % 8 == 7) {
            read(in, data, sizeof data), got++;
            while (recv(in, data, sizeof data, MSG_DONTWAIT) >= 0) got++;
        }
    }
    puts("read");
    return 0;
}

/* Sends what is too long for the link, faster than anybody can refuse it. */
static void *shout(void *unused) {
    static char data[3000];
    time_t end = time(NULL) + 4;
    int fd = joined("10.0.0.2", 9), always = IP_PMTUDISC_DO;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always);
    while (time(NULL) < end) for (int n = 0; n < 100; n++) write(fd, data, sizeof data);
    return unused;
}

static int flood(int count) {
    pthread_t threads[64];
    for (int n = 0; n < count; n++) pthread_create(&threads[n], NULL, shout, NULL);
    for (int n = 0; n < count; n++) pthread_join(threads[n], NULL);
    puts("shouted");
    return 0;
}

/* As many messages of as many pieces as a call may have. */
static int pieces(int count) {
    static struct mmsghdr messages[1024];
    static struct iovec iov[1024];
    static char byte;
    for (int n = 0; n < 1024; n++) {
        iov[n] = (struct iovec){ &byte, 1 };
        messages[n].msg_hdr = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 1024 };
    }
    int fd = joined("10.0.0.2", 9), sent = 0;
    while (sent < count) {
        int now = sendmmsg(fd, messages, count - sent, 0);
        if (now <= 0) { if (errno != ECONNREFUSED) { perror("sendmmsg"); return 1; } continue; }
        sent += now;
    }
    printf("%d sent\n", sent);
    return 0;
}

/* Many threads wait for connections. */
static int listener;
static void *await(void *unused) { accept(listener, NULL, NULL); return unused; }

static int parked(int count) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    struct sockaddr_in here = at("127.0.0.1", 7000);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (void *)&here, sizeof here);
    listen(listener, 100);
    for (int n = 0; n < count; n++) { pthread_t thread; if (pthread_create(&thread, &small, await, NULL)) perror("thread"); }
    puts("parked"); fflush(stdout);
    pause();
    return 0;
}

/* Processes that are killed while they wait. */
static int killed(int count) {
    struct sockaddr_in here = at("127.0.0.1", 7000);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (void *)&here, sizeof here);
    listen(listener, 100);
    signal(SIGCHLD, SIG_IGN);
    for (int n = 0; n < count; n++) {
        pid_t child = fork();
        if (child == 0) { accept(listener, NULL, NULL); _exit(0); }
        usleep(1000);
        kill(child, SIGKILL);
    }
    puts("killed"); fflush(stdout);
    pause();
    return 0;
}

/* Opens sockets as long as it may. */
static int sockets(int count) {
    struct rlimit most = { count + 100, count + 100 };
    if (setrlimit(RLIMIT_NOFILE, &most)) perror("setrlimit");
    int opened = 0;
    while (opened < count && socket(AF_INET, SOCK_DGRAM, 0) >= 0) opened++;
    printf("%s after %d\n", opened < count ? strerrorname_np(errno) : "all", opened); fflush(stdout);
    pause();
    return 0;
}

/* A name that is no text, and a signal while it waits. */
static void nothing(int unused) { (void)unused; }

static int nameless(int unused) {
    struct sockaddr_in here = at("127.0.0.1", 7000);
    struct sigaction act = { .sa_handler = nothing };
    prctl(PR_SET_NAME, "\xff\xfe");
    sigaction(SIGALRM, &act, NULL);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(fd, (void *)&here, sizeof here);
    listen(fd, 1);
    alarm(1);
    printf("%d", accept(fd, NULL, NULL));
    printf(" %s\n", strerrorname_np(errno));
    return unused & 0;
}

int main(int count, char **words) {
    static const struct { const char *name; int (*act)(int); } acts[] = { { "questions", questions }, { "native", native },
        { "flood", flood }, { "pieces", pieces }, { "parked", parked }, { "killed", killed }, { "sockets", sockets },
        { "nameless", nameless } };
    for (unsigned n = 0; count > 1 && n < sizeof acts / sizeof *acts; n++)
        if (strcmp(words[1], acts[n].name) == 0) return acts[n].act(count > 2 ? atoi(words[2]) : 0);
    return 2;
}
