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
