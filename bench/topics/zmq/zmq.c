/* zmq.c PATH N...: libzmq's PUB and SUB over ipc://, for bench's section "topics". For each N it forks so many
 * subscribers, which are processes. Its questions and answers are those of topics/main.go, where frames are described, too.
 *
 * The publisher's socket is an XPUB, which is a PUB that hears of its subscribers: so none misses a frame at the start.
 * With ZMQ_XPUB_NODROP a full queue makes the publisher wait, as the policy block does, so that all frames arrive. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { WARM, COUNTED, LAST, WARM_FRAMES = 4, PAGE = 4096, HEAD = 24, MOST = 1 << 16, BATCH = 65536, GROUPS = 4, CROWD = 16 };

/* Frames in a queue. Of large ones libzmq is fastest with a few, which stay in the processor's cache, and of small ones
 * with many. */
enum { LARGE_QUEUE = 8, SMALL_QUEUE = 3000, SMALL = 4096 };

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, errno ? zmq_strerror(errno) : "wrong");
  exit(1);
}

static volatile uint64_t sum; /* so that the reads aren't left out */

static void touch(const unsigned char *at, size_t size) {
  uint64_t s = 0;
  for (size_t i = 0; i < size; i += PAGE) s += at[i];
  sum += s;
}

static void *made(void *context, int type, size_t size, const char *path) {
  void *s = zmq_socket(context, type);
  int queue = size < SMALL ? SMALL_QUEUE : LARGE_QUEUE, yes = 1;
  char address[200];
  snprintf(address, sizeof address, "ipc://%s", path);
  zmq_setsockopt(s, type == ZMQ_SUB ? ZMQ_RCVHWM : ZMQ_SNDHWM, &queue, sizeof queue);
  if (type == ZMQ_SUB ? zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0) || zmq_connect(s, address)
                      : zmq_setsockopt(s, ZMQ_XPUB_NODROP, &yes, sizeof yes) || zmq_setsockopt(s, ZMQ_XPUB_VERBOSE, &yes, sizeof yes) ||
                            zmq_bind(s, address))
    fail(address);
  return s;
}

static void subscriber(const char *path, size_t size, FILE *report) {
  static uint64_t delays[MOST];
  void *socket = made(zmq_ctx_new(), ZMQ_SUB, size, path);
  uint64_t expected = 0, counted = 0, kept = 0;
  for (;;) {
    zmq_msg_t m;
    zmq_msg_init(&m);
    if (zmq_msg_recv(&m, socket, 0) < 0) fail("recv");
    uint64_t came = now(), head[3], tail;
    const unsigned char *at = zmq_msg_data(&m);
    size_t length = zmq_msg_size(&m);
    memcpy(head, at, HEAD);
    memcpy(&tail, at + length - 8, 8);
    if (head[0] != expected || tail != expected) errno = 0, fail("another frame came");
    expected++;
    touch(at, length);
    zmq_msg_close(&m);
    if (head[2] == WARM) continue;
    counted++;
    if (head[1] && kept < MOST) delays[kept++] = came - head[1];
    if (head[2] != LAST) continue;
    fprintf(report, "%lu %lu", counted, now());
    for (uint64_t i = 0; i < kept; i++) fprintf(report, " %lu", delays[i]);
    fputc('\n', report);
    fflush(report);
    expected = counted = kept = 0;
  }
}

struct group {
  int n;
  size_t size; /* whether it is for small frames */
  void *socket;
  FILE *reports[CROWD];
};

static void launch(struct group *g, const char *path) {
  for (int i = 0; i < g->n; i++) {
    int ends[2];
    if (pipe(ends)) fail("pipe");
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      subscriber(path, g->size, fdopen(ends[1], "w"));
    }
    close(ends[1]);
    g->reports[i] = fdopen(ends[0], "r");
  }
}

static void publish(void *socket, const unsigned char *source, size_t size, uint64_t number, uint64_t kind, int stamped) {
  zmq_msg_t m;
  zmq_msg_init_size(&m, size);
  unsigned char *at = zmq_msg_data(&m);
  memcpy(at, source, size);
  memcpy(at + size - 8, &number, 8);
  uint64_t head[3] = {number, stamped ? now() : 0, kind};
  memcpy(at, head, HEAD);
  if (zmq_msg_send(&m, socket, 0) < 0) fail("send");
}

static void turn(struct group *g, const unsigned char *source, size_t size, double seconds, double pace) {
  uint64_t number = 0, every = size < BATCH && pace == 0 ? BATCH / size : 1;
  while (number < WARM_FRAMES) publish(g->socket, source, size, number, WARM, 0), number++;
  uint64_t began = now(), until = began + seconds * 1e9, next = began, sent = 0;
  for (int over = 0; !over; sent++, number++) {
    if (pace > 0) {
      next += 1e9 / pace;
      struct timespec t = {next / 1000000000, next % 1000000000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    over = sent % every == 0 && now() >= until;
    publish(g->socket, source, size, number, over ? LAST : COUNTED, pace > 0);
  }
  static char line[MOST * 8], delays[CROWD * MOST];
  uint64_t ended = 0;
  delays[0] = 0;
  size_t filled = 0;
  for (int i = 0; i < g->n; i++) {
    unsigned long counted, end;
    int at;
    if (!fgets(line, sizeof line, g->reports[i]) || sscanf(line, "%lu %lu%n", &counted, &end, &at) != 2) errno = 0, fail("a subscriber ended");
    if (counted != sent) errno = 0, fail("frames are missing");
    line[strcspn(line, "\n")] = 0;
    if (end > ended) ended = end;
    size_t n = strlen(line + at);
    if (filled + n < sizeof delays) memcpy(delays + filled, line + at, n + 1), filled += n;
  }
  printf("%.17g%s\n", sent / ((ended - began) / 1e9), delays);
  fflush(stdout);
}

int main(int argc, char **argv) {
  struct group groups[2 * GROUPS];
  int count = 0;
  char path[150], line[200];
  for (int i = 2; i < argc && i - 2 < GROUPS; i++)
    for (int large = 0; large < 2; large++, count++) {
      groups[count] = (struct group){.n = atoi(argv[i]), .size = large ? BATCH : 1};
      snprintf(path, sizeof path, "%s-%d", argv[1], count);
      if (groups[count].n > CROWD) return 2;
      launch(&groups[count], path);
    }
  void *context = zmq_ctx_new();
  for (int i = 0; i < count; i++) {
    snprintf(path, sizeof path, "%s-%d", argv[1], i);
    groups[i].socket = made(context, ZMQ_XPUB, groups[i].size, path);
    for (int k = 0; k < groups[i].n; k++)
      if (zmq_recv(groups[i].socket, line, sizeof line, 0) < 0) fail("subscription");
  }
  unsigned char *source = NULL;
  size_t has = 0, size;
  while (fgets(line, sizeof line, stdin)) {
    int n;
    double seconds, pace;
    if (sscanf(line, "%d %zu %lf %lf", &n, &size, &seconds, &pace) != 4) return 2;
    if (size > has) {
      source = realloc(source, has = size);
      for (size_t i = 0; i < size; i++) source[i] = i * 31;
    }
    for (int i = 0; i < count; i++)
      if (groups[i].n == n && (groups[i].size < SMALL) == (size < SMALL)) {
        turn(&groups[i], source, size, seconds, pace);
        break;
      }
  }
  return 0; /* without an end of the context, which waits for nobody */
}
