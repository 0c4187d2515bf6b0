/* A clock that jumps: preloaded, it tells the time moved by CLOCK_BEFORE seconds as long as the file CLOCK_JUMP is not there,
 * and moved by CLOCK_AFTER seconds from then on. Times of files are the kernel's, which knows nothing of it, unless a program
 * sets them.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void) {
  const char *jump = getenv("CLOCK_JUMP");
  const char *moved = getenv(jump && !access(jump, F_OK) ? "CLOCK_AFTER" : "CLOCK_BEFORE");
  return moved ? (time_t)atol(moved) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = (int)syscall(SYS_clock_gettime, clock, now);
  if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time)) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec time;
  if (clock_gettime(CLOCK_REALTIME, &time)) return -1;
  if (now) *now = time.tv_sec;
  return time.tv_sec;
}
