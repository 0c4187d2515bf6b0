/* Runs a program on a file system that fails at a chosen call.
 *
 *   injector DIRECTORY LOG NUMBER FAULT PROGRAM ARGUMENT…
 *
 * Calls are counted that the program itself (all of its threads, none of its children) makes on something below
 * DIRECTORY. Call NUMBER does not happen: it ends with the error FAULT (a number of <errno.h>), or, where FAULT is
 * `kill`, the program is killed with SIGKILL before it. NUMBER 0 fails none. Every counted call is a line of LOG,
 * `NUMBER CALL PATH`, and that of the fault ends with `!`.
 * What creates a file or a directory is followed by the mode that it asks for: `openat:600`. The status is that of the program, 128 and the signal where it
 * was killed, 125 where this cannot work.
 *
 * The kernel asks us before such a call (seccomp's user notification), so it does not matter whether the program uses
 * libc or makes its system calls itself, as a preloaded library would need it, and nothing is slowed down but these calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "an architecture that nobody has tried"
#endif

/* Which argument names the file: a path, a path below an open directory, or an open file. */
enum form { PATH, AT, FILE_NUMBER };

struct call {
  int number;
  const char *name;
  enum form form;
  int argument;
};

#define CALL(name, form, argument) { SYS_##name, #name, form, argument }
static const struct call calls[] = {
#ifdef SYS_open
    CALL(open, PATH, 0), CALL(creat, PATH, 0), CALL(rename, PATH, 1), CALL(mkdir, PATH, 0), CALL(rmdir, PATH, 0),
    CALL(unlink, PATH, 0), CALL(link, PATH, 1), CALL(symlink, PATH, 1), CALL(chmod, PATH, 0), CALL(stat, PATH, 0),
    CALL(lstat, PATH, 0), CALL(readlink, PATH, 0), CALL(access, PATH, 0), CALL(renameat, AT, 2),
#endif
    CALL(openat, AT, 0), CALL(openat2, AT, 0), CALL(renameat2, AT, 2), CALL(mkdirat, AT, 0), CALL(unlinkat, AT, 0),
    CALL(linkat, AT, 2), CALL(symlinkat, AT, 1), CALL(fchmodat, AT, 0), CALL(fchownat, AT, 0), CALL(statx, AT, 0),
    CALL(newfstatat, AT, 0), CALL(readlinkat, AT, 0), CALL(faccessat, AT, 0), CALL(utimensat, AT, 0),
    CALL(truncate, PATH, 0), CALL(ftruncate, FILE_NUMBER, 0), CALL(fallocate, FILE_NUMBER, 0),
    CALL(fchmod, FILE_NUMBER, 0), CALL(fchown, FILE_NUMBER, 0), CALL(fsync, FILE_NUMBER, 0),
    CALL(fdatasync, FILE_NUMBER, 0), CALL(flock, FILE_NUMBER, 0), CALL(getdents64, FILE_NUMBER, 0),
    CALL(read, FILE_NUMBER, 0), CALL(pread64, FILE_NUMBER, 0), CALL(readv, FILE_NUMBER, 0),
    CALL(write, FILE_NUMBER, 0), CALL(pwrite64, FILE_NUMBER, 0), CALL(writev, FILE_NUMBER, 0),
    CALL(sendfile, FILE_NUMBER, 0), CALL(copy_file_range, FILE_NUMBER, 2), CALL(ioctl, FILE_NUMBER, 0),
    CALL(fstat, FILE_NUMBER, 0),
};
#define CALLS (sizeof calls / sizeof calls[0])

static void fail(const char *what) {
  fprintf(stderr, "injector: %s: %s\n", what, strerror(errno));
  exit(125);
}

/* Asks the supervisor before any of the calls. Returns the file to answer with. */
static int install(void) {
  struct sock_filter filter[2 * CALLS + 5];
  size_t length = 0;
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
  filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t index = 0; index < CALLS; index++) {
    filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[index].number, 0, 1);
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  }
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("no_new_privs");
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

static void hand_over(int channel, int file) {
  union control control = {0};
  char byte = 0;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof file);
  memcpy(CMSG_DATA(&control.header), &file, sizeof file);
  if (sendmsg(channel, &message, 0) != 1) fail("sendmsg");
}

static int take(int channel) {
  union control control = {0};
  char byte;
  int file = -1;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1) exit(125);
  memcpy(&file, CMSG_DATA(&control.header), sizeof file);
  return file;
}

/* Whether a thread is one of the program's own. Its children get numbers of their own. */
static int is_own(pid_t program, pid_t thread) {
  char path[64];
  if (thread == program) return 1;
  snprintf(path, sizeof path, "/proc/%d/task/%d", program, thread);
  return access(path, F_OK) == 0;
}

static int text_at(pid_t thread, unsigned long long address, char *text, size_t size) {
  size_t length = 0;
  while (length + 1 < size) {
    /* Never over the end of a page: the next one may not be there. */
    size_t part = 4096 - (size_t)((address + length) % 4096);
    if (part > size - 1 - length) part = size - 1 - length;
    struct iovec here = {text + length, part}, there = {(void *)(unsigned long)(address + length), part};
    ssize_t got = process_vm_readv(thread, &here, 1, &there, 1, 0);
    if (got <= 0) return -1;
    if (memchr(text + length, 0, (size_t)got)) return 0;
    length += (size_t)got;
  }
  return -1;
}

static int link_of(char *path, size_t size, const char *format, pid_t thread, int number) {
  char link[64];
  snprintf(link, sizeof link, format, thread, number);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return -1;
  path[length] = 0;
  return 0;
}

/* The path of what a call is about, absolute. */
static int path_of(const struct call *call, const struct seccomp_notif *asked, char *path, size_t size) {
  const __u64 *arguments = asked->data.args;
  pid_t thread = (pid_t)asked->pid;
  char name[PATH_MAX];
  if (call->form == FILE_NUMBER) return link_of(path, size, "/proc/%d/fd/%d", thread, (int)arguments[call->argument]);
  int at = call->form == AT ? (int)arguments[call->argument] : AT_FDCWD;
  if (text_at(thread, arguments[call->argument + (call->form == AT)], name, sizeof name)) return -1;
  if (name[0] == '/') return snprintf(path, size, "%s", name) < (int)size ? 0 : -1;
  int found = at == AT_FDCWD ? link_of(path, size, "/proc/%d/cwd", thread, 0) : link_of(path, size, "/proc/%d/fd/%d", thread, at);
  if (found || !name[0]) return found;
  size_t length = strlen(path);
  return snprintf(path + length, size - length, "/%s", name) < (int)(size - length) ? 0 : -1;
}

/* The mode that a call gives to what it creates; -1 when it creates nothing. */
static long created_mode(const struct call *call, const struct seccomp_notif *asked) {
  const __u64 *arguments = asked->data.args;
  if (call->number == SYS_openat) return arguments[2] & O_CREAT ? (long)arguments[3] & 07777 : -1;
  if (call->number == SYS_mkdirat) return (long)arguments[2] & 07777;
#ifdef SYS_open
  if (call->number == SYS_open) return arguments[1] & O_CREAT ? (long)arguments[2] & 07777 : -1;
  if (call->number == SYS_mkdir || call->number == SYS_creat) return (long)arguments[1] & 07777;
#endif
  return -1;
}

int main(int count, char **arguments) {
  if (count < 6) {
    fprintf(stderr, "usage: injector DIRECTORY LOG NUMBER FAULT PROGRAM ARGUMENT…\n");
    return 125;
  }
  const char *directory = arguments[1];
  size_t prefix = strlen(directory);
  FILE *log = fopen(arguments[2], "we");
  if (!log) fail(arguments[2]);
  unsigned long chosen = strtoul(arguments[3], NULL, 10), number = 0;
  int kills = !strcmp(arguments[4], "kill");
  int error = atoi(arguments[4]);

  int channel[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel)) fail("socketpair");
  pid_t program = fork();
  if (program < 0) fail("fork");
  if (program == 0) {
    int listener = install();
    if (listener < 0) fail("seccomp");
    hand_over(channel[1], listener);
    close(listener);
    execvp(arguments[5], arguments + 5);
    fail(arguments[5]);
  }
  close(channel[1]);
  int listener = take(channel[0]);

  for (;;) {
    struct pollfd ready = {listener, POLLIN, 0};
    if (poll(&ready, 1, -1) < 0 && errno != EINTR) fail("poll");
    /* The last process with the filter is gone: nobody asks any more. */
    if (!(ready.revents & POLLIN)) {
      if (ready.revents) break;
      continue;
    }
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked)) continue;
    struct seccomp_notif_resp answer = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    const struct call *call = calls;
    while (call->number != asked.data.nr) call++;
    char path[2 * PATH_MAX];
    if (is_own(program, (pid_t)asked.pid) && !path_of(call, &asked, path, sizeof path) &&
        !strncmp(path, directory, prefix) && (path[prefix] == '/' || !path[prefix])) {
      number++;
      int fails = number == chosen;
      char mode[16] = "";
      long created = created_mode(call, &asked);
      if (created >= 0) snprintf(mode, sizeof mode, ":%lo", created);
      fprintf(log, "%lu %s%s %s%s\n", number, call->name, mode, path, fails ? " !" : "");
      if (fails && kills) {
        /* Nobody answers: it dies while it waits, and the call never happens. */
        kill(program, SIGKILL);
        continue;
      }
      if (fails) {
        answer.flags = 0;
        answer.error = -error;
      }
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  fclose(log);
  int status;
  if (waitpid(program, &status, 0) < 0) fail("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
