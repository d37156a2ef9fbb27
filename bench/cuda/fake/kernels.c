/*
 * Kernels: registered under their names when the provider is loaded, recorded when launched or
 * asked about, each with the place of its code in the library: `@` and an offset.
 */
#define _GNU_SOURCE
#include "fake.h"
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const void *host;
  const char *name;
  const char *code;
} Kernel;

/* What nvcc gives __cudaRegisterFatBinary. */
typedef struct {
  int magic, version;
  const char *code;
  void *file;
} FatBinary;

static Kernel *kernels;
static size_t count, capacity;

EXPORTED void **__cudaRegisterFatBinary(void *binary) {
  const char **handle = malloc(sizeof *handle);
  *handle = ((FatBinary *)binary)->code;
  return (void **)handle;
}
EXPORTED void __cudaRegisterFatBinaryEnd(void **handle) {}
EXPORTED void __cudaUnregisterFatBinary(void **handle) {}
EXPORTED void __cudaRegisterVar(void **handle, char *host, char *device, const char *name,
                                int external, size_t bytes, int constant, int global) {}

EXPORTED void __cudaRegisterFunction(void **handle, const char *host, char *device,
                                     const char *name, int limit, uint3 *thread, uint3 *block,
                                     dim3 *block_size, dim3 *grid_size, int *warp) {
  if (count == capacity) {
    capacity = capacity ? 2 * capacity : 4096;
    kernels = realloc(kernels, capacity * sizeof *kernels);
  }
  kernels[count++] = (Kernel){host, name, *(const char **)handle};
}

static const Kernel *known(const void *host) {
  static const Kernel unknown = {.name = "unknown"};
  for (size_t i = 0; i < count; i++) {
    if (kernels[i].host == host) return &kernels[i];
  }
  return &unknown;
}

static size_t offset_of(const Kernel *kernel) {
  Dl_info library;
  if (!kernel->code || !dladdr(kernel->code, &library)) return 0;
  return (uintptr_t)kernel->code - (uintptr_t)library.dli_fbase;
}

static cudaError_t launch(const void *function, dim3 grid, dim3 block, cudaStream_t stream) {
  const Kernel *kernel = known(function);
  const char *call = fake_cuda_captures_launch(stream) ? "captured" : "launch";
  fake_cuda_trace("%s %s %u,%u,%u %u,%u,%u @%zu", call, kernel->name, grid.x, grid.y, grid.z,
                  block.x, block.y, block.z, offset_of(kernel));
  return cudaSuccess;
}

/* A device needs the code of what it is asked about, too. */
static void ask(const void *function) {
  const Kernel *kernel = known(function);
  fake_cuda_trace("use %s @%zu", kernel->name, offset_of(kernel));
}

/* `kernel<<<grid, block>>>()` pushes its configuration; the stub that nvcc emits pops it. */
static _Thread_local struct {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
} configuration;

EXPORTED unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                              struct CUstream_st *stream) {
  configuration.grid = grid;
  configuration.block = block;
  configuration.shared = shared;
  configuration.stream = stream;
  return 0;
}
EXPORTED cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared,
                                                void *stream) {
  *grid = configuration.grid;
  *block = configuration.block;
  *shared = configuration.shared;
  *(cudaStream_t *)stream = configuration.stream;
  return cudaSuccess;
}

EXPORTED cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) {
  *kernel = (cudaKernel_t)function;
  return cudaSuccess;
}
EXPORTED cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **arguments,
                                        size_t shared, cudaStream_t stream) {
  return launch((void *)kernel, grid, block, stream);
}
EXPORTED cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments,
                                      size_t shared, cudaStream_t stream) {
  return launch(function, grid, block, stream);
}
EXPORTED cudaError_t cudaLaunchCooperativeKernel(const void *function, dim3 grid, dim3 block,
                                                 void **arguments, size_t shared,
                                                 cudaStream_t stream) {
  return launch(function, grid, block, stream);
}
EXPORTED cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *launched, const void *function,
                                         void **arguments) {
  return launch(function, launched->gridDim, launched->blockDim, launched->stream);
}

EXPORTED cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes,
                                           const void *function) {
  ask(function);
  *attributes = (struct cudaFuncAttributes){.maxThreadsPerBlock = 1024,
                                            .numRegs = 64,
                                            .binaryVersion = 90,
                                            .ptxVersion = 90,
                                            .maxDynamicSharedSizeBytes = 49152};
  return cudaSuccess;
}
EXPORTED cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute,
                                          int value) {
  ask(function);
  int tooLarge = attribute == cudaFuncAttributeMaxDynamicSharedMemorySize && value > 232448;
  return tooLarge ? cudaErrorInvalidValue : cudaSuccess;
}
EXPORTED cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel,
                                                     enum cudaFuncAttribute attribute, int value,
                                                     int device) {
  return cudaSuccess;
}
EXPORTED cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, const void *function, int threads, size_t shared, unsigned flags) {
  ask(function);
  *blocks = 2;
  return cudaSuccess;
}

EXPORTED cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code,
                                         enum cudaJitOption *jit, void **jitValues, unsigned jits,
                                         enum cudaLibraryOption *options, void **values,
                                         unsigned count) {
  *library = (cudaLibrary_t)malloc(1);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library,
                                          const char *name) {
  *kernel = (cudaKernel_t)malloc(1);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  free((void *)library);
  return cudaSuccess;
}

static int driver_function(void) { return 0; }
EXPORTED cudaError_t cudaGetDriverEntryPointByVersion(
    const char *name, void **function, unsigned version, unsigned long long flags,
    enum cudaDriverEntryPointQueryResult *result) {
  *function = (void *)driver_function;
  if (result) *result = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}
