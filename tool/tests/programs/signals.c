/* Connects, sends a byte and closes, so many times, while a timer's signal comes 3,000 times a second. Counts both sides.
   With a second argument the handler interrupts calls (no SA_RESTART), and the program makes them again. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long hits;
static int listener, count, accepted, bytes;
static void hit(int number) { (void)number; hits++; }

/* A call, and again while signals interrupt it. */
#define AGAIN(call) ({ int result; while ((result = (call)) < 0 && errno == EINTR) ; result; })

/* A connect that was interrupted goes on: the next one waits for it, or finds it done. */
static int connected(int fd, struct sockaddr_in *address) {
    return AGAIN(connect(fd, (void *)address, sizeof *address)) && errno != EISCONN ? -1 : 0;
}

static void *serve(void *unused) {
    for (; accepted < count; accepted++) {
        char byte;
        int fd = AGAIN(accept(listener, NULL, NULL));
        if (fd < 0) { perror("accept"); exit(1); }
        while (AGAIN(read(fd, &byte, 1)) == 1) bytes++;
        close(fd);
    }
    return unused;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    struct sigaction action = { .sa_handler = hit, .sa_flags = argc > 2 ? 0 : SA_RESTART };
    struct itimerval often = { { 0, 333 }, { 0, 333 } }, never = { { 0, 0 }, { 0, 0 } };
    pthread_t server;
    count = argc > 1 ? atoi(argv[1]) : 3000;
    sigaction(SIGALRM, &action, NULL);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 128)) { perror("listen"); return 1; }
    getsockname(listener, (void *)&address, &length);
    pthread_create(&server, NULL, serve, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int n = 0; n < count; n++) {
        int fd = AGAIN(socket(AF_INET, SOCK_STREAM, 0));
        if (fd < 0) { perror("socket"); return 1; }
        if (connected(fd, &address)) { perror("connect"); return 1; }
        if (AGAIN(write(fd, "x", 1)) != 1) { perror("write"); return 1; }
        close(fd);
    }
    pthread_join(server, NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%d accepted, %d bytes, %s, next descriptor %d\n", accepted, bytes, hits > 500 ? "many signals" : "few signals", dup(0));
    return 0;
}
