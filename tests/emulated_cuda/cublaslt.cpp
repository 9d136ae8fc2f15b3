#include <cublasLt.h>
#include <vector>

#include <cuda_bf16.h>

#include "tests/emulated_cuda/stream.hpp"

struct EmulatedBlas {};
struct EmulatedPreference {};
struct EmulatedProduct {
  cublasOperation_t transpose_a = CUBLAS_OP_N;
  cublasOperation_t transpose_b = CUBLAS_OP_N;
  bool has_bias = false;
  cudaDataType_t bias_type = CUDA_R_32F;
  const void* bias = nullptr;
};
/// Column-major; columns are `leading` numbers apart.
struct EmulatedMatrix {
  cudaDataType_t type;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t leading;
};

namespace {

float number_at(const void* numbers, cudaDataType_t type, std::int64_t i) {
  return type == CUDA_R_32F ? static_cast<const float*>(numbers)[i]
                            : __bfloat162float(static_cast<const __nv_bfloat16*>(numbers)[i]);
}

/// op(M), row-major.
std::vector<float> operand(const void* numbers, const EmulatedMatrix& matrix, cublasOperation_t operation) {
  std::vector<float> made;
  made.reserve(static_cast<std::size_t>(matrix.rows * matrix.columns));
  const bool turns = operation == CUBLAS_OP_T;
  for (std::int64_t i = 0; i < (turns ? matrix.columns : matrix.rows); ++i) {
    for (std::int64_t j = 0; j < (turns ? matrix.rows : matrix.columns); ++j)
      made.push_back(
          number_at(numbers, matrix.type, turns ? j + i * matrix.leading : i + j * matrix.leading));
  }
  return made;
}

/// An enqueued product. It has copies, because the descriptors may be destroyed before it runs.
struct EnqueuedProduct {
  EmulatedProduct product;
  EmulatedMatrix a_layout;
  EmulatedMatrix b_layout;
  EmulatedMatrix c_layout;
  EmulatedMatrix d_layout;
  float alpha;
  float beta;
  const void* a;
  const void* b;
  const void* c;
  void* d;
};

void multiply(const EnqueuedProduct& of) {
  const std::vector<float> first = operand(of.a, of.a_layout, of.product.transpose_a);
  const std::vector<float> second = operand(of.b, of.b_layout, of.product.transpose_b);
  const std::int64_t rows = of.d_layout.rows;
  const std::int64_t columns = of.d_layout.columns;
  const std::int64_t inner = static_cast<std::int64_t>(first.size()) / std::max<std::int64_t>(1, rows);
  std::vector<float> row(static_cast<std::size_t>(columns));
  for (std::int64_t i = 0; i < rows; ++i) {
    std::fill(row.begin(), row.end(), 0.0F);
    for (std::int64_t k = 0; k < inner; ++k) {
      const float factor = first[static_cast<std::size_t>(i * inner + k)];
      const float* others = second.data() + k * columns;
      for (std::int64_t j = 0; j < columns; ++j) row[static_cast<std::size_t>(j)] += factor * others[j];
    }
    for (std::int64_t j = 0; j < columns; ++j) {
      float sum = of.alpha * row[static_cast<std::size_t>(j)];
      if (of.beta != 0.0F) sum += of.beta * number_at(of.c, of.c_layout.type, i + j * of.c_layout.leading);
      if (of.product.has_bias) sum += number_at(of.product.bias, of.product.bias_type, i);
      const std::int64_t at = i + j * of.d_layout.leading;
      if (of.d_layout.type == CUDA_R_32F) {
        static_cast<float*>(of.d)[at] = sum;
      } else {
        static_cast<__nv_bfloat16*>(of.d)[at] = __float2bfloat16_rn(sum);
      }
    }
  }
}

}  // namespace

std::size_t cublasLtGetVersion() { return 0; }
const char* cublasLtGetStatusString(cublasStatus_t /*status*/) { return "an emulated cuBLASLt's error"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new EmulatedBlas;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t /*compute*/,
                                        cudaDataType_t /*scale*/) {
  *product = new EmulatedProduct;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete product;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              std::size_t /*bytes*/) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      product->transpose_a = *static_cast<const cublasOperation_t*>(value);
      break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
      product->transpose_b = *static_cast<const cublasOperation_t*>(value);
      break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE: product->has_bias = true; break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      product->bias_type = *static_cast<const cudaDataType_t*>(value);
      break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: product->bias = *static_cast<const void* const*>(value); break;
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* matrix, cudaDataType_t type,
                                          std::uint64_t rows, std::uint64_t columns, std::int64_t leading) {
  *matrix =
      new EmulatedMatrix{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t matrix) {
  delete matrix;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new EmulatedPreference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t /*preference*/,
                                                    cublasLtMatmulPreferenceAttributes_t /*attribute*/,
                                                    const void* /*value*/, std::size_t /*bytes*/) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t /*preference*/, int /*wanted*/,
                                              cublasLtMatmulHeuristicResult_t* /*found*/, int* count) {
  // Like the library: matrices whose sizes do not match are not multiplied.
  const std::int64_t inner = product->transpose_a == CUBLAS_OP_T ? a->rows : a->columns;
  const std::int64_t rows = product->transpose_a == CUBLAS_OP_T ? a->columns : a->rows;
  const std::int64_t columns = product->transpose_b == CUBLAS_OP_T ? b->rows : b->columns;
  const bool fits = inner == (product->transpose_b == CUBLAS_OP_T ? b->columns : b->rows) &&
                    rows == d->rows && columns == d->columns && c->type == d->type;
  *count = fits ? 1 : 0;
  return fits ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t /*handle*/, cublasLtMatmulDesc_t product, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* /*algorithm*/, void* /*workspace*/,
                              std::size_t /*workspace_bytes*/, cudaStream_t stream) {
  const EnqueuedProduct handed{*product,
                               *a_layout,
                               *b_layout,
                               *c_layout,
                               *d_layout,
                               *static_cast<const float*>(alpha),
                               *static_cast<const float*>(beta),
                               a,
                               b,
                               c,
                               d};
  emulated_cuda::enqueue(stream, [handed] {
    multiply(handed);
    return true;
  });
  return CUBLAS_STATUS_SUCCESS;
}
