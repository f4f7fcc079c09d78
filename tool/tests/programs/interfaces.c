/* Lists the interfaces that the C library finds, one address a line, then their numbers. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static void show(struct ifaddrs *one)
{
    char address[64], mask[64];
    int family = one->ifa_addr ? one->ifa_addr->sa_family : 0;
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (family != AF_INET && family != AF_INET6)
        return;
    getnameinfo(one->ifa_addr, size, address, sizeof address, 0, 0, NI_NUMERICHOST);
    getnameinfo(one->ifa_netmask, size, mask, sizeof mask, 0, 0, NI_NUMERICHOST);
    printf("%s %s %s\n", one->ifa_name, address, mask);
}

int main(void)
{
    struct ifaddrs *all;
    char name[IF_NAMESIZE];
    if (getifaddrs(&all)) {
        perror("getifaddrs");
        return 1;
    }
    for (struct ifaddrs *one = all; one; one = one->ifa_next)
        show(one);
    struct if_nameindex *names = if_nameindex();
    for (struct if_nameindex *one = names; one && one->if_index; one++)
        printf("%s%u=%s", one == names ? "" : " ", one->if_index, one->if_name);
    printf("\n%u %s\n", if_nametoindex("eth0"), if_indextoname(2, name) ? name : "none");
    return 0;
}
