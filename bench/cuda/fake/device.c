/* The device itself, an H100 in its properties, with its streams, events, graphs and pools. */
#include "fake.h"
#include <stdlib.h>
#include <string.h>

enum {
  MAJOR = 9,
  MINOR = 0,
  RUNTIME_VERSION = 13000,
  MULTIPROCESSORS = 132,
  THREADS_A_BLOCK = 1024,
  THREADS_A_MULTIPROCESSOR = 2048,
  REGISTERS = 65536,
  L2_BYTES = 50 << 20,
  SHARED_BYTES = 49152,
  SHARED_BYTES_OPT_IN = 232448,
  SHARED_BYTES_A_MULTIPROCESSOR = 233472,
  GRID_X = 2147483647,
  GRID_YZ = 65535,
};

EXPORTED cudaError_t cudaGetDeviceCount(int *count) {
  *count = 1;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
EXPORTED cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = RUNTIME_VERSION;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaDriverGetVersion(int *version) { return cudaRuntimeGetVersion(version); }

EXPORTED cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
  *properties = (struct cudaDeviceProp){
      .name = "no device",
      .totalGlobalMem = DEVICE_BYTES,
      .sharedMemPerBlock = SHARED_BYTES,
      .regsPerBlock = REGISTERS,
      .warpSize = 32,
      .memPitch = GRID_X,
      .maxThreadsPerBlock = THREADS_A_BLOCK,
      .maxThreadsDim = {1024, 1024, 64},
      .maxGridSize = {GRID_X, GRID_YZ, GRID_YZ},
      .totalConstMem = 65536,
      .major = MAJOR,
      .minor = MINOR,
      .textureAlignment = 512,
      .multiProcessorCount = MULTIPROCESSORS,
      .canMapHostMemory = 1,
      .concurrentKernels = 1,
      .asyncEngineCount = 3,
      .unifiedAddressing = 1,
      .memoryBusWidth = 5120,
      .l2CacheSize = L2_BYTES,
      .maxThreadsPerMultiProcessor = THREADS_A_MULTIPROCESSOR,
      .sharedMemPerMultiprocessor = SHARED_BYTES_A_MULTIPROCESSOR,
      .regsPerMultiprocessor = REGISTERS,
      .managedMemory = 1,
      .cooperativeLaunch = 1,
      .sharedMemPerBlockOptin = SHARED_BYTES_OPT_IN,
      .maxBlocksPerMultiProcessor = 32,
      .reservedSharedMemPerBlock = 1024,
      .memoryPoolsSupported = 1,
      .clusterLaunch = 1,
      .streamPrioritiesSupported = 1,
  };
  return cudaSuccess;
}

EXPORTED cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute,
                                            int device) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = THREADS_A_BLOCK; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = SHARED_BYTES; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrMultiProcessorCount: *value = MULTIPROCESSORS; break;
    case cudaDevAttrComputeCapabilityMajor: *value = MAJOR; break;
    case cudaDevAttrComputeCapabilityMinor: *value = MINOR; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = SHARED_BYTES_OPT_IN; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = SHARED_BYTES_A_MULTIPROCESSOR; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = THREADS_A_MULTIPROCESSOR; break;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor: *value = REGISTERS; break;
    case cudaDevAttrL2CacheSize: *value = L2_BYTES; break;
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrConcurrentKernels: *value = 1; break;
    case cudaDevAttrMaxGridDimX: *value = GRID_X; break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ: *value = GRID_YZ; break;
    default: *value = 0; fake_cuda_trace("unknown attribute %d", (int)attribute);
  }
  return cudaSuccess;
}

EXPORTED cudaError_t cudaDeviceSynchronize(void) {
  if (fake_cuda_forbids("cudaDeviceSynchronize")) return cudaErrorStreamCaptureUnsupported;
  fake_cuda_trace("wait");
  return cudaSuccess;
}
EXPORTED cudaError_t cudaGetLastError(void) { return cudaSuccess; }
EXPORTED cudaError_t cudaPeekAtLastError(void) { return cudaSuccess; }
EXPORTED const char *cudaGetErrorName(cudaError_t error) { return "fakeCudaError"; }
EXPORTED const char *cudaGetErrorString(cudaError_t error) { return "an error of the fake CUDA"; }

/* ---- handles: distinct addresses with nothing behind them ---- */

#define MAKES(function, type)                    \
  EXPORTED cudaError_t function(type *handle) { \
    *handle = (type)malloc(1);                  \
    return cudaSuccess;                         \
  }
#define MAKES_WITH(function, type, argument)               \
  EXPORTED cudaError_t function(type *handle, argument) { \
    *handle = (type)malloc(1);                            \
    return cudaSuccess;                                   \
  }
#define ENDS(function, type)                    \
  EXPORTED cudaError_t function(type handle) { \
    free((void *)handle);                      \
    return cudaSuccess;                        \
  }
MAKES(cudaStreamCreate, cudaStream_t)
MAKES_WITH(cudaStreamCreateWithFlags, cudaStream_t, unsigned flags)
ENDS(cudaStreamDestroy, cudaStream_t)
MAKES(cudaEventCreate, cudaEvent_t)
MAKES_WITH(cudaEventCreateWithFlags, cudaEvent_t, unsigned flags)
ENDS(cudaEventDestroy, cudaEvent_t)
MAKES_WITH(cudaMemPoolCreate, cudaMemPool_t, const struct cudaMemPoolProps *properties)
ENDS(cudaMemPoolDestroy, cudaMemPool_t)

EXPORTED cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (fake_cuda_forbids("cudaStreamSynchronize")) return cudaErrorStreamCaptureUnsupported;
  fake_cuda_trace("wait");
  return cudaSuccess;
}
EXPORTED cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return cudaSuccess;
}
EXPORTED cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return cudaSuccess;
}
EXPORTED cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (fake_cuda_forbids("cudaEventSynchronize")) return cudaErrorStreamCaptureUnsupported;
  fake_cuda_trace("wait");
  return cudaSuccess;
}
EXPORTED cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = 1;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
  function(data);
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute,
                                             void *value) {
  memset(value, 0, sizeof(unsigned long long));
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute,
                                             void *value) {
  return cudaSuccess;
}
EXPORTED cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes) { return cudaSuccess; }
