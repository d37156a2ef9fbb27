/* What was called, a line each, in the file that FAKE_CUDA_TRACE names. */
#include "fake.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static FILE *trace_file(void) {
  static int asked;
  static FILE *file;
  if (!asked) {
    const char *path = getenv("FAKE_CUDA_TRACE");
    if (path && (file = fopen(path, "w"))) setvbuf(file, NULL, _IOLBF, 0);
    asked = 1;
  }
  return file;
}

EXPORTED void fake_cuda_trace(const char *format, ...) {
  pthread_mutex_lock(&lock);
  FILE *file = trace_file();
  if (file) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
  }
  pthread_mutex_unlock(&lock);
}

/** Divides the trace into parts; the caller names what follows. */
EXPORTED void fake_cuda_mark(const char *name) { fake_cuda_trace("# %s", name); }
