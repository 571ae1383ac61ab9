// Loaded ahead of the C library (LD_PRELOAD) into a process under test: writes, flushes and truncations of its databases
// fail, or end the process half done, as the file named by FAULTY_DISK_CONTROL says. See faulty-disk.ts.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITES = 1, FLUSHES = 2, TRUNCATIONS = 4 };
enum { FAIL = 1, KILL = 2 };

// In the order of `fields` in faulty-disk.ts.
struct control {
  int32_t effect, kinds, countdown, times, every, error, seen, made;
};

static struct control *control;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("FAULTY_DISK_CONTROL");
  int fd = path == NULL ? -1 : open(path, O_RDWR);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) control = memory;
}

static int is_database(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, ".db") != NULL && strstr(path, ".lock") == NULL;
}

// FAIL or KILL when this call is to go wrong, else 0.
static int fault(int kind, int fd) {
  if (control == NULL || (control->kinds & kind) == 0 || !is_database(fd)) return 0;
  control->seen++;
  if (control->times == 0 || --control->countdown > 0) return 0;
  if (control->times > 0) control->times--;
  control->countdown = control->every;
  control->made++;
  errno = control->error;
  return control->effect;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "pwrite64");
  int effect = fault(WRITES, fd);
  if (effect == FAIL) return -1;
  if (effect == KILL) {
    real(fd, bytes, count / 2, offset);
    raise(SIGKILL);
  }
  return real(fd, bytes, count, offset);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fsync");
  int effect = fault(FLUSHES, fd);
  if (effect == KILL) raise(SIGKILL);
  if (effect == FAIL) return -1;
  // What a power cut would take is not looked at, and flushes take most of the time.
  return control != NULL && is_database(fd) ? 0 : real(fd);
}

int ftruncate64(int fd, off64_t length) {
  static int (*real)(int, off64_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "ftruncate64");
  int effect = fault(TRUNCATIONS, fd);
  if (effect == KILL) raise(SIGKILL);
  return effect == FAIL ? -1 : real(fd, length);
}
