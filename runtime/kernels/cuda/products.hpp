#pragma once

#include <cstddef>
#include <cstdint>
#include <cublasLt.h>
#include <memory>
#include <unordered_map>

#include <cuda_runtime_api.h>

#include "runtime/device/kernel_call.hpp"

namespace foreshard::cuda {

/// A product in terms of cuBLASLt, whose matrices are column-major. A row-major matrix is its transpose in
/// column-major order, so C = op(A)·op(B) is computed as Cᵀ = op(B)ᵀ·op(A)ᵀ: B is the first factor, A the
/// second.
struct ColumnProduct {
  std::int64_t rows = 0;     ///< of Cᵀ: n
  std::int64_t columns = 0;  ///< m
  std::int64_t inner = 0;    ///< k
  bool transpose_first = false;
  bool transpose_second = false;
  /// Rows of the factors in column-major order: the leading dimensions.
  std::int64_t first_rows = 0;
  std::int64_t second_rows = 0;
  DType type = DType::fp32;         ///< of A and B
  DType result_type = DType::fp32;  ///< of C
  bool accumulate = false;
  bool bias = false;
  std::int64_t alignment = 16;  ///< of all operands, in bytes, at most 16
  friend bool operator==(const ColumnProduct&, const ColumnProduct&) = default;
};
/// @throws std::invalid_argument if A and B differ in dtype
ColumnProduct column_product(const GemmCall& call);

struct ColumnProductHash {
  std::size_t operator()(const ColumnProduct& product) const;
};

/// Matrix products in cuBLASLt. For each shape the first choice of its heuristic is used, and kept; all are
/// dropped after 4096 shapes. fp32 products are computed in fp32, never in tf32.
class Products {
 public:
  Products();
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  void run(cudaStream_t stream, const GemmCall& call);

 private:
  class Plan;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
  std::unordered_map<ColumnProduct, std::unique_ptr<Plan>, ColumnProductHash> plans_;
};

}  // namespace foreshard::cuda
