/* What of cuBLAS must answer with more than success. Products are recorded like launches. */
#include "fake.h"
#include <stdlib.h>
#include <string.h>

/* cublasLtMatmulHeuristicResult_t. */
#define HEURISTIC_BYTES 96

#define MAKES(function)                \
  EXPORTED int function(void **handle) { \
    *handle = malloc(1);               \
    return 0;                          \
  }
MAKES(cublasCreate_v2)
MAKES(cublasLtCreate)
MAKES(cublasLtMatmulDescCreate)
MAKES(cublasLtMatmulPreferenceCreate)
MAKES(cublasLtMatrixLayoutCreate)
MAKES(cublasLtMatrixTransformDescCreate)

#define MULTIPLIES(function)       \
  EXPORTED int function(void) {    \
    fake_cuda_product(#function); \
    return 0;                      \
  }
MULTIPLIES(cublasGemmEx)
MULTIPLIES(cublasGemmStridedBatchedEx)
MULTIPLIES(cublasHgemm)
MULTIPLIES(cublasSgemm_v2)
MULTIPLIES(cublasSgemmStridedBatched)
MULTIPLIES(cublasLtMatmul)

EXPORTED int cublasGetMathMode(void *handle, int *mode) {
  *mode = 0;
  return 0;
}
EXPORTED const char *cublasGetStatusName(int status) { return "FAKE"; }
EXPORTED const char *cublasGetStatusString(int status) { return "a status of the fake CUDA"; }

EXPORTED int cublasLtMatmulAlgoGetHeuristic(void *handle, void *operation, void *a, void *b,
                                            void *c, void *d, void *preference, int asked,
                                            void *results, int *found) {
  memset(results, 0, HEURISTIC_BYTES);
  *found = 1;
  return 0;
}
