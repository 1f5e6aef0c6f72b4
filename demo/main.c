/*
 * The command line of the demo device.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "routes.h"
#include "server.h"
#include "settings.h"

static const char help[] =
    "usage: keyplate-demo-device --listen 127.0.0.1:PORT|unix:PATH [--proxy-v2] [--state FILE]\n"
    "                            [--password-socket PATH] [--quiet]\n"
    "\n"
    "A heating controller with a web page, to try Keyplate with. It speaks plain HTTP and\n"
    "therefore listens on loopback or a unix socket only.\n"
    "\n"
    "  --listen 127.0.0.1:PORT  listen there; port 0 picks a free one; [::1]:PORT works too\n"
    "  --listen unix:PATH       listen on a unix socket\n"
    "  --proxy-v2               every connection begins with a PROXY protocol version 2 header\n"
    "                           that says who is there\n"
    "  --state FILE             keep the settings in FILE\n"
    "  --password-socket PATH   let who has proved a password change it, by the unix socket of\n"
    "                           keyplate passwd listen; needs --proxy-v2\n"
    "  --quiet                  no line for each request\n"
    "  --help                   show this\n";

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "keyplate-demo-device: %s%s\n(--help shows how it is used)\n", what, value);
    return 2;
}

static int parse_port(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return -1;
    int port = atoi(text);
    return port <= 65535 ? port : -1;
}

static bool parse_ip(const char *host, int port, struct sockaddr_storage *ip)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    if (uv_ip4_addr(host, port, &in4) == 0 && ntohl(in4.sin_addr.s_addr) >> 24 == 127) {
        memcpy(ip, &in4, sizeof in4);
        return true;
    }
    if (uv_ip6_addr(host, port, &in6) == 0 && IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)) {
        memcpy(ip, &in6, sizeof in6);
        return true;
    }
    return false;
}

/* Returns whether text is a place to listen at. */
static bool parse_address(const char *text, struct demo_address *address)
{
    *address = (struct demo_address){0};
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un name;
        address->path = text + 5;
        return text[5] && strlen(text + 5) < sizeof name.sun_path;
    }
    const char *colon = strrchr(text, ':');
    char host[64];
    if (!colon || (size_t)(colon - text) >= sizeof host || parse_port(colon + 1) < 0)
        return false;
    size_t len = (size_t)(colon - text);
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(bracketed ? len - 2 : len), text + bracketed);
    return parse_ip(host, parse_port(colon + 1), &address->ip);
}

struct options {
    const char *listen;
    bool show_help;
};

static int parse_options(int argc, char **argv, struct options *options, struct demo_server *server)
{
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},
        {"proxy-v2", no_argument, NULL, 'p'},
        {"state", required_argument, NULL, 's'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {"password-socket", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'l')
            options->listen = optarg;
        else if (option == 'p')
            server->proxy_v2 = true;
        else if (option == 's')
            server->state_path = optarg;
        else if (option == 'c')
            server->password_path = optarg;
        else if (option == 'q')
            server->quiet = true;
        else if (option == 'h')
            options->show_help = true;
        else
            return 2;
    }
    return optind < argc ? wrong("not understood: ", argv[optind]) : 0;
}

int main(int argc, char **argv)
{
    static struct demo_server server;
    struct demo_settings settings = demo_settings_default;
    struct demo_address address;
    struct options options = {0};
    int result = parse_options(argc, argv, &options, &server);
    if (result)
        return result;
    if (options.show_help) {
        fputs(help, stdout);
        return 0;
    }
    if (!options.listen)
        return wrong("--listen is missing", "");
    if (!parse_address(options.listen, &address))
        return wrong("--listen takes a loopback address and port, or unix:PATH, not ",
                     options.listen);
    if (server.password_path && !server.proxy_v2)
        return wrong("--password-socket needs --proxy-v2: nobody else says who is there", "");
    if (server.state_path && demo_settings_load(&settings, server.state_path) != 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    demo_thermostat_init(&server.room, &settings);
    server.app = &demo_routes_app;
    if (demo_server_start(&server, &address) != 0)
        return 1;
    demo_server_run(&server);
    return 0;
}
