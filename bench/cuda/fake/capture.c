/*
 * Captures. As on a device, what is captured is not done before it is replayed, and a capture
 * forbids every thread what allocates, frees or waits: such calls fail and are recorded.
 */
#include "fake.h"
#include <stdlib.h>

static Graph *captured;
static cudaStream_t capturing;
static int refuses;

/** The next capture comes to nothing, as one does in which something was done that CUDA forbids. */
EXPORTED void fake_cuda_refuse_capture(void) { refuses = 1; }

int fake_cuda_forbids(const char *call) {
  if (captured) fake_cuda_trace("forbidden %s", call);
  return captured != NULL;
}

int fake_cuda_captures_launch(cudaStream_t stream) {
  if (!captured || stream != capturing) return 0;
  captured->launches++;
  return 1;
}

EXPORTED void fake_cuda_product(const char *function) {
  fake_cuda_trace("%s %s", fake_cuda_captures_launch(capturing) ? "captured" : "product", function);
}

int fake_cuda_captures_transfer(void *to, const void *from, int value, size_t bytes,
                                cudaStream_t stream) {
  if (!captured || stream != capturing) return 0;
  Transfer *transfer = malloc(sizeof *transfer);
  *transfer = (Transfer){.to = to, .from = from, .value = value, .bytes = bytes};
  *captured->end = transfer;
  captured->end = &transfer->next;
  return 1;
}

EXPORTED cudaError_t cudaStreamIsCapturing(cudaStream_t stream,
                                           enum cudaStreamCaptureStatus *status) {
  int active = captured && stream == capturing;
  *status = active ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

EXPORTED cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
  if (fake_cuda_forbids("cudaStreamBeginCapture")) return cudaErrorIllegalState;
  captured = calloc(1, sizeof *captured);
  captured->end = &captured->transfers;
  capturing = stream;
  return cudaSuccess;
}

EXPORTED cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  if (!captured) return cudaErrorIllegalState;
  if (refuses) {
    refuses = 0;
    captured = NULL;
    fake_cuda_trace("refused capture");
    return cudaErrorStreamCaptureInvalidated;
  }
  fake_cuda_trace("capture %zu", captured->launches);
  *graph = (cudaGraph_t)captured;
  captured = NULL;
  return cudaSuccess;
}
