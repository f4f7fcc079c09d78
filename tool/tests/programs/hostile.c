/* Makes every trapped call with pointers that lead nowhere, lengths that lie and descriptors that vanish, from several threads that also
   change each other's arguments. What the calls answer does not matter; whoever answers must survive. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const long calls[] = { SYS_bind, SYS_connect, SYS_listen, SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_setsockopt,
    SYS_getsockopt, SYS_shutdown, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_sendto, SYS_recvfrom };
static uint64_t shared[512];
static uint32_t state = 12345;

static uint32_t draw(void) { return state = state * 1664525 + 1013904223, state >> 8; }

static uint64_t argument(void) {
    static const uint64_t odd[] = { 0, 1, 2, 16, 28, 56, 64, 1024, 65536, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_MAX, UINT64_MAX - 7,
        0x7fffffffffff, 0x1000 };
    switch (draw() % 3) {
    case 0: return odd[draw() % (sizeof odd / sizeof *odd)];
    case 1: return (uint64_t)&shared[draw() % 512];
    default: return draw() % 64;
    }
}

static void *attack(void *unused) {
    for (int n = 0; n < 1500; n++) {
        int fd = draw() % 12 + 3;
        long number = calls[draw() % (sizeof calls / sizeof *calls)];
        if (draw() % 5 == 0) close(fd);
        if (draw() % 4 == 0) {
            fd = socket(draw() % 2 ? AF_INET : AF_INET6, (draw() % 2 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
            if (fd > 14) { dup2(fd, draw() % 12 + 3); close(fd); }
        }
        shared[draw() % 512] = argument();
        if (draw() % 8 == 0) {
            struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9000 + draw() % 4), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
            memcpy(&shared[8 * (draw() % 60)], &to, sizeof to);
        }
        uint64_t flags = number == SYS_sendto || number == SYS_recvfrom ? MSG_DONTWAIT : argument();
        if (number == SYS_sendmsg || number == SYS_recvmsg)
            syscall(number, fd, argument(), MSG_DONTWAIT);
        else if (number == SYS_sendmmsg || number == SYS_recvmmsg)
            syscall(number, fd, argument(), argument(), MSG_DONTWAIT, 0);
        else
            syscall(number, fd, argument(), argument(), flags, argument(), argument());
    }
    return unused;
}

int main(void) {
    for (int n = 0; n < 6; n++) {
        if (fork() == 0) {
            pthread_t threads[4];
            state += n * 7919;
            alarm(20);
            for (int t = 0; t < 4; t++) pthread_create(&threads[t], NULL, attack, NULL);
            /* Some end in the middle of it. */
            if (n % 3 == 0) { usleep(20000); _exit(0); }
            for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {}
    puts("done");
    return 0;
}
