/* server.c SOCKET: the other side of client.c: one thread a connection, which spawns the command with the directory,
 * environment and descriptors that came, waits for it and answers its status. It is for measurements. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 131072, STREAMS = 3, NOT_FOUND = 127, WAITING = 1024, STACK = 65536 };

struct head {
  uint32_t length, arguments, variables; /* as in client.c */
};

static char *strings(char *at, uint32_t n, char **list) {
  for (uint32_t i = 0; i < n; i++, at += strlen(at) + 1) list[i] = at;
  return at;
}

static void *serve(void *argument) {
  int s = (int)(long)argument, streams[STREAMS];
  char *message = malloc(ROOM);
  union {
    char room[CMSG_SPACE(sizeof streams)];
    struct cmsghdr aligned;
  } control;
  struct iovec bytes = {message, ROOM};
  struct msghdr m = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct head *head = (struct head *)message;
  if (recvmsg(s, &m, MSG_CMSG_CLOEXEC) > (ssize_t)sizeof *head && CMSG_FIRSTHDR(&m)) {
    memcpy(streams, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof streams);
    char *directory = message + sizeof *head;
    char **arguments = calloc(head->arguments + head->variables + 2, sizeof *arguments);
    char **variables = arguments + head->arguments + 1;
    strings(strings(directory + strlen(directory) + 1, head->arguments, arguments), head->variables, variables);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, directory);
    for (int i = 0; i < STREAMS; i++) posix_spawn_file_actions_adddup2(&actions, streams[i], i);
    pid_t pid;
    uint32_t status = NOT_FOUND;
    int how, failed = posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, variables);
    for (int i = 0; i < STREAMS; i++) close(streams[i]);
    if (!failed && waitpid(pid, &how, 0) == pid) status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    if (write(s, &status, sizeof status) < 0) status = 0; /* the client has left */
    posix_spawn_file_actions_destroy(&actions);
    free(arguments);
  }
  close(s);
  free(message);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, WAITING)) return 1;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&small, STACK);
  for (;;) {
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pthread_t thread;
    if (s >= 0 && pthread_create(&thread, &small, serve, (void *)(long)s)) close(s);
  }
}
