/* client.c SOCKET COMMAND [ARG...]: the least that a call by descriptor passing costs its caller.
 *
 * It sends directory, arguments, environment and its descriptors 0, 1 and 2 to server.c in one message (SCM_RIGHTS,
 * unix(7)), and ends with the status that comes back. It checks next to nothing: it is for measurements. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM = 131072, NAME = 4096, STREAMS = 3, FAILED = 111 };

struct head {
  uint32_t length, arguments, variables; /* bytes of the message, and how many strings */
};

int main(int argc, char **argv) {
  static char message[ROOM];
  struct head *head = (struct head *)message;
  char *end = message + sizeof *head;
  if (!getcwd(end, NAME)) return FAILED;
  end += strlen(end) + 1;
  for (int i = 2; i < argc; i++) end = stpcpy(end, argv[i]) + 1;
  uint32_t variables = 0;
  for (char **v = environ; *v; v++, variables++) end = stpcpy(end, *v) + 1;
  *head = (struct head){end - message, argc - 2, variables};

  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  if (connect(s, (void *)&address, sizeof address)) return FAILED;

  int streams[STREAMS] = {0, 1, 2};
  union {
    char room[CMSG_SPACE(sizeof streams)];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec bytes = {message, head->length};
  struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&m);
  rights->cmsg_level = SOL_SOCKET, rights->cmsg_type = SCM_RIGHTS, rights->cmsg_len = CMSG_LEN(sizeof streams);
  memcpy(CMSG_DATA(rights), streams, sizeof streams);
  if (sendmsg(s, &m, 0) != head->length) return FAILED;

  uint32_t status;
  if (read(s, &status, sizeof status) != sizeof status) return FAILED;
  _exit(status);
}
