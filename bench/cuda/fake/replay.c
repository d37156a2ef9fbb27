/* Captured graphs at work: their copies and fills are done when they are launched. */
#include "fake.h"
#include <stdlib.h>

/* An instance is the graph itself, which is kept for it. */
EXPORTED cudaError_t cudaGraphInstantiate(cudaGraphExec_t *instance, cudaGraph_t graph,
                                          unsigned long long flags) {
  *instance = (cudaGraphExec_t)graph;
  return cudaSuccess;
}
EXPORTED cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return cudaSuccess; }

EXPORTED cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  fake_cuda_trace("launch graph");
  for (Transfer *transfer = ((Graph *)instance)->transfers; transfer; transfer = transfer->next) {
    if (transfer->from) {
      fake_cuda_copy(transfer->to, transfer->from, transfer->bytes);
    } else {
      fake_cuda_fill(transfer->to, transfer->value, transfer->bytes);
    }
  }
  return cudaSuccess;
}

EXPORTED cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  Graph *graph = (Graph *)instance;
  for (Transfer *transfer = graph->transfers; transfer;) {
    Transfer *next = transfer->next;
    free(transfer);
    transfer = next;
  }
  free(graph);
  return cudaSuccess;
}
