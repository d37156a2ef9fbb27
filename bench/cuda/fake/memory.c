/*
 * The device's memory: host memory that only this runtime may touch. Its bytes are mapped
 * twice. "Device" addresses allow no access, so that host code which reads through one crashes
 * as it would on a GPU; the second mapping, at SHADOW, is where copies are made.
 */
#define _GNU_SOURCE
#include "fake.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Above the 46 bits that V8 draws its random addresses from. */
#define DEVICE_BASE 0x500000000000UL
#define SHADOW 0x580000000000UL
#define GRAIN 512UL
#define PAGE 4096UL

typedef struct Span {
  size_t offset, bytes;
  int free;
  struct Span *next;
} Span;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Span *spans;
static size_t mapped, in_use;

/* ---- allocation ---- */

static void map(int file, unsigned long at, int access) {
  int flags = MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE;
  if (mmap((void *)at, DEVICE_BYTES, access, flags, file, 0) == MAP_FAILED) {
    perror("fake CUDA: the address space is taken");
    abort();
  }
}

static void map_device(void) {
  static int done;
  if (done) return;
  done = 1;
  int file = memfd_create("fake-cuda", 0);
  if (file < 0 || ftruncate(file, DEVICE_BYTES)) abort();
  map(file, DEVICE_BASE, PROT_NONE);
  map(file, SHADOW, PROT_READ | PROT_WRITE);
}

/** The tightest free span that wastes no more than half of itself; O(spans). */
static Span *free_span(size_t bytes) {
  Span *best = NULL;
  for (Span *span = spans; span; span = span->next) {
    if (!span->free || span->bytes < bytes || span->bytes > 2 * bytes) continue;
    if (!best || span->bytes < best->bytes) best = span;
  }
  return best;
}

static void *allocate(size_t bytes) {
  size_t rounded = bytes ? (bytes + GRAIN - 1) / GRAIN * GRAIN : GRAIN;
  pthread_mutex_lock(&lock);
  map_device();
  Span *span = free_span(rounded);
  if (!span && mapped + rounded <= DEVICE_BYTES) {
    span = calloc(1, sizeof *span);
    *span = (Span){.offset = mapped, .bytes = rounded, .next = spans};
    mapped += rounded;
    spans = span;
  }
  if (span) {
    span->free = 0;
    in_use += span->bytes;
  }
  pthread_mutex_unlock(&lock);
  return span ? (void *)(DEVICE_BASE + span->offset) : NULL;
}

static void release(void *address) {
  pthread_mutex_lock(&lock);
  for (Span *span = spans; span; span = span->next) {
    if (DEVICE_BASE + span->offset != (unsigned long)address || span->free) continue;
    span->free = 1;
    in_use -= span->bytes;
  }
  pthread_mutex_unlock(&lock);
}

size_t fake_cuda_bytes_in_use(void) { return in_use; }

static cudaError_t allocate_into(void **address, size_t bytes) {
  if (fake_cuda_forbids("cudaMalloc")) return cudaErrorStreamCaptureUnsupported;
  *address = allocate(bytes);
  fake_cuda_trace("allocate %zu", bytes);
  return *address ? cudaSuccess : cudaErrorMemoryAllocation;
}

EXPORTED cudaError_t cudaMalloc(void **address, size_t bytes) {
  return allocate_into(address, bytes);
}
EXPORTED cudaError_t cudaMallocFromPoolAsync(void **address, size_t bytes, cudaMemPool_t pool,
                                             cudaStream_t stream) {
  return allocate_into(address, bytes);
}
EXPORTED cudaError_t cudaFree(void *address) {
  if (fake_cuda_forbids("cudaFree")) return cudaErrorStreamCaptureUnsupported;
  fake_cuda_trace("free");
  release(address);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaFreeAsync(void *address, cudaStream_t stream) { return cudaFree(address); }

/* Host memory that a device copies to and from by itself. */
typedef struct Pinned {
  char *address;
  size_t bytes;
  struct Pinned *next;
} Pinned;

static Pinned *pinned;

static cudaError_t allocate_host(void **address, size_t bytes) {
  if (fake_cuda_forbids("cudaHostAlloc")) return cudaErrorStreamCaptureUnsupported;
  Pinned *block = malloc(sizeof *block);
  block->bytes = (bytes + PAGE - 1) / PAGE * PAGE;
  block->address = *address = aligned_alloc(PAGE, block->bytes);
  pthread_mutex_lock(&lock);
  block->next = pinned;
  pinned = block;
  pthread_mutex_unlock(&lock);
  return cudaSuccess;
}

static int is_pinned(const char *address) {
  int found = 0;
  pthread_mutex_lock(&lock);
  for (Pinned *block = pinned; block; block = block->next) {
    found |= address >= block->address && address < block->address + block->bytes;
  }
  pthread_mutex_unlock(&lock);
  return found;
}
EXPORTED cudaError_t cudaMallocHost(void **address, size_t bytes) {
  return allocate_host(address, bytes);
}
EXPORTED cudaError_t cudaHostAlloc(void **address, size_t bytes, unsigned flags) {
  return allocate_host(address, bytes);
}
EXPORTED cudaError_t cudaFreeHost(void *address) {
  pthread_mutex_lock(&lock);
  for (Pinned **at = &pinned; *at; at = &(*at)->next) {
    if ((*at)->address != address) continue;
    Pinned *block = *at;
    *at = block->next;
    free(block);
    break;
  }
  pthread_mutex_unlock(&lock);
  free(address);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  *total = DEVICE_BYTES;
  *available = DEVICE_BYTES - in_use;
  return cudaSuccess;
}

/* ---- copies ---- */

static int on_device(const void *address) {
  unsigned long at = (unsigned long)address;
  return at >= DEVICE_BASE && at < DEVICE_BASE + DEVICE_BYTES;
}

static char *touchable(const void *address) {
  return on_device(address) ? (char *)address - DEVICE_BASE + SHADOW : (char *)address;
}

static const char *kind_of(const void *address) {
  if (on_device(address)) return "device";
  return is_pinned(address) ? "pinned" : "host";
}

void fake_cuda_copy(void *to, const void *from, size_t bytes) {
  fake_cuda_trace("copy %s-%s %zu", kind_of(from), kind_of(to), bytes);
  memmove(touchable(to), touchable(from), bytes);
}

/* The host waits for a copy that is not asynchronous, but for one within the device. */
static void copy_awaited(const void *to, const void *from) {
  if (!on_device(to) || !on_device(from)) fake_cuda_trace("wait");
}

EXPORTED cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes,
                                enum cudaMemcpyKind kind) {
  if (fake_cuda_forbids("cudaMemcpy")) return cudaErrorStreamCaptureUnsupported;
  fake_cuda_copy(to, from, bytes);
  copy_awaited(to, from);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                                     enum cudaMemcpyKind kind, cudaStream_t stream) {
  if (!fake_cuda_captures_transfer(to, from, 0, bytes, stream)) fake_cuda_copy(to, from, bytes);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from,
                                       size_t from_pitch, size_t width, size_t height,
                                       enum cudaMemcpyKind kind, cudaStream_t stream) {
  fake_cuda_trace("copy %s-%s %zu", kind_of(from), kind_of(to), width * height);
  for (size_t row = 0; row < height; row++) {
    memmove(touchable(to) + row * to_pitch, touchable(from) + row * from_pitch, width);
  }
  return cudaSuccess;
}
/* What kernels keep in symbols was never computed: zeroes. */
EXPORTED cudaError_t cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes,
                                          size_t offset, enum cudaMemcpyKind kind) {
  memset(touchable(to), 0, bytes);
  return cudaSuccess;
}

void fake_cuda_fill(void *to, int value, size_t bytes) {
  fake_cuda_trace("fill %zu", bytes);
  memset(touchable(to), value, bytes);
}
EXPORTED cudaError_t cudaMemset(void *to, int value, size_t bytes) {
  fake_cuda_fill(to, value, bytes);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  if (!fake_cuda_captures_transfer(to, NULL, value, bytes, stream)) {
    fake_cuda_fill(to, value, bytes);
  }
  return cudaSuccess;
}

EXPORTED cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes,
                                              const void *address) {
  memset(attributes, 0, sizeof *attributes);
  if (on_device(address)) {
    attributes->type = cudaMemoryTypeDevice;
    attributes->devicePointer = (void *)address;
  } else {
    attributes->type = cudaMemoryTypeUnregistered;
    attributes->device = cudaInvalidDeviceId;
    attributes->hostPointer = (void *)address;
  }
  return cudaSuccess;
}
