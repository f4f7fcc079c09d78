/* Accepts what waits and asks at once whether more does: as a server does that polls before it accepts from a blocking listener. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 200 };

int main(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&name, length);
    listen(listener, 8);
    getsockname(listener, (struct sockaddr *)&name, &length);
    int accepted = 0, more = 0;
    for (int n = 0; n < CONNECTIONS; n++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        connect(client, (struct sockaddr *)&name, length);
        struct pollfd asked = {listener, POLLIN, 0};
        if (poll(&asked, 1, 5000) != 1)
            continue;
        int server = accept(listener, NULL, NULL);
        more += poll(&asked, 1, 0);
        accepted += server >= 0;
        close(client);
        close(server);
    }
    printf("%d accepted, %d times more\n", accepted, more);
}
