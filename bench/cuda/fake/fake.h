/*
 * A CUDA runtime without a device. ONNX Runtime's CUDA provider loads against it, places its
 * nodes, allocates, copies and launches as it would on a GPU; kernels are recorded and not run.
 * So it shows where nodes lie and what a step costs in calls, and never a number or a time.
 */
#pragma once
#include <cuda_runtime_api.h>
#include <stddef.h>

#define EXPORTED __attribute__((visibility("default")))

/** Writes one line to the file that FAKE_CUDA_TRACE names; without it, nowhere. */
void fake_cuda_trace(const char *format, ...);

/** Bytes that the device has, and those that are allocated. */
#define DEVICE_BYTES (80UL << 30)
size_t fake_cuda_bytes_in_use(void);

/** Copies and fills device memory that the host can't touch itself. */
void fake_cuda_copy(void *to, const void *from, size_t bytes);
void fake_cuda_fill(void *to, int value, size_t bytes);

/** A copy, or a fill where `from` is NULL, of a captured graph. */
typedef struct Transfer {
  void *to;
  const void *from;
  int value;
  size_t bytes;
  struct Transfer *next;
} Transfer;

/* Kernels leave nothing to replay: their number is kept, and copies and fills in their order. */
typedef struct {
  size_t launches;
  Transfer *transfers, **end;
} Graph;

/** Whether a capture forbids the call, whichever thread makes it. */
int fake_cuda_forbids(const char *call);
/** Records a product of cuBLAS, whose handles are taken to follow the stream that captures. */
void fake_cuda_product(const char *function);
/** Whether a call goes into the graph that is being captured; `from` is NULL for a fill. */
int fake_cuda_captures_launch(cudaStream_t stream);
int fake_cuda_captures_transfer(void *to, const void *from, int value, size_t bytes,
                                cudaStream_t stream);
