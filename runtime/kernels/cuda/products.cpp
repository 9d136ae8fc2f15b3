#include "runtime/kernels/cuda/products.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "runtime/cuda/cuda_check.hpp"

namespace foreshard::cuda {
namespace {

/// The size that cuBLAS recommends for Hopper. Source: cuBLAS documentation, cublasSetWorkspace.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20U;

/// The largest number of plans kept. Experts have different numbers of rows in every step, so their shapes
/// keep coming.
constexpr std::size_t kMostPlans = 4096;

cudaDataType_t cuda_type(DType type) {
  switch (type) {
    case DType::fp32: return CUDA_R_32F;
    case DType::bf16: return CUDA_R_16BF;
    default: throw std::invalid_argument("gemm: a GPU multiplies bf16 and fp32 here");
  }
}

}  // namespace

/// The descriptors and the algorithm of one shape.
class Products::Plan {
 public:
  Plan(cublasLtHandle_t handle, const ColumnProduct& product) {
    check_cublas(cublasLtMatmulDescCreate(&product_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                 "cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, product.transpose_first ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, product.transpose_second ? CUBLAS_OP_T : CUBLAS_OP_N);
    first_ = layout(product.type, product.first_rows, product.transpose_first ? product.rows : product.inner);
    second_ =
        layout(product.type, product.second_rows, product.transpose_second ? product.inner : product.columns);
    result_ = layout(product.result_type, product.rows, product.columns);
    if (product.bias) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, cuda_type(product.result_type));
    }
    beta_ = product.accumulate ? 1.0F : 0.0F;
    choose(handle, product);
  }
  ~Plan() {
    for (cublasLtMatrixLayout_t each : {first_, second_, result_}) cublasLtMatrixLayoutDestroy(each);
    cublasLtMatmulDescDestroy(product_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(cublasLtHandle_t handle, void* workspace, cudaStream_t stream, const GemmCall& call) {
    if (!call.bias.empty()) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(call.bias.data));
    const float alpha = 1.0F;
    check_cublas(cublasLtMatmul(handle, product_, &alpha, call.b.data, first_, call.a.data, second_, &beta_,
                                call.c.data, result_, call.c.data, result_, &algorithm_, workspace,
                                kWorkspaceBytes, stream),
                 "cublasLtMatmul");
  }

 private:
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, Value value) {
    check_cublas(cublasLtMatmulDescSetAttribute(product_, attribute, &value, sizeof(value)),
                 "cublasLtMatmulDescSetAttribute");
  }

  static cublasLtMatrixLayout_t layout(DType type, std::int64_t rows, std::int64_t columns) {
    cublasLtMatrixLayout_t made = nullptr;
    check_cublas(cublasLtMatrixLayoutCreate(&made, cuda_type(type), static_cast<std::uint64_t>(rows),
                                            static_cast<std::uint64_t>(columns), rows),
                 "cublasLtMatrixLayoutCreate");
    return made;
  }

  void choose(cublasLtHandle_t handle, const ColumnProduct& product) {
    cublasLtMatmulPreference_t preference = nullptr;
    check_cublas(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
      check_cublas(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value)),
                   "cublasLtMatmulPreferenceSetAttribute");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
    const auto alignment = static_cast<std::uint32_t>(product.alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment);
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t result = cublasLtMatmulAlgoGetHeuristic(handle, product_, first_, second_, result_,
                                                                 result_, preference, 1, &found, &count);
    cublasLtMatmulPreferenceDestroy(preference);
    check_cublas(result, "cublasLtMatmulAlgoGetHeuristic");
    if (count == 0)
      throw CudaError(fmt::format("cuBLASLt has no algorithm to multiply ({},{}) by ({},{})", product.columns,
                                  product.inner, product.inner, product.rows));
    algorithm_ = found.algo;
  }

  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr;
  cublasLtMatrixLayout_t second_ = nullptr;
  cublasLtMatrixLayout_t result_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
  float beta_ = 0.0F;
};

Products::Products() {
  check_cublas(cublasLtCreate(&handle_), "cublasLtCreate");
  check_cuda(cudaMalloc(&workspace_, kWorkspaceBytes), "cudaMalloc of cuBLASLt's workspace");
}

Products::~Products() {
  plans_.clear();
  cudaFree(workspace_);
  cublasLtDestroy(handle_);
}

void Products::run(cudaStream_t stream, const GemmCall& call) {
  const ColumnProduct product = column_product(call);
  auto found = plans_.find(product);
  if (found == plans_.end()) {
    if (plans_.size() >= kMostPlans) plans_.clear();
    found = plans_.emplace(product, std::make_unique<Plan>(handle_, product)).first;
  }
  found->second->run(handle_, workspace_, stream, call);
}

}  // namespace foreshard::cuda
