#pragma once

#include <cstddef>
#include <cstdint>
#include <cublasLt.h>
#include <memory>
#include <unordered_map>

#include <cuda_runtime_api.h>

#include "runtime/device/kernel_call.hpp"

namespace foreshard::cuda {

/// A product as cuBLASLt, which thinks in columns, is asked for it. A row-major matrix is its transpose
/// stored by columns, so C = op(A)·op(B) is asked for as Cᵀ = op(B)ᵀ·op(A)ᵀ: B is its first factor, A its
/// second.
struct ColumnProduct {
  std::int64_t rows = 0;     ///< of Cᵀ: n
  std::int64_t columns = 0;  ///< m
  std::int64_t inner = 0;    ///< k
  bool transpose_first = false;
  bool transpose_second = false;
  /// Rows as stored by columns, which are the leading dimensions.
  std::int64_t first_rows = 0;
  std::int64_t second_rows = 0;
  DType type = DType::fp32;         ///< of A and B
  DType result_type = DType::fp32;  ///< of C
  bool accumulate = false;
  bool bias = false;
  std::int64_t alignment = 16;  ///< that all operands have, in bytes, at most 16
  friend bool operator==(const ColumnProduct&, const ColumnProduct&) = default;
};
/// @throws std::invalid_argument where A and B differ in dtype
ColumnProduct column_product(const GemmCall& call);

struct ColumnProductHash {
  std::size_t operator()(const ColumnProduct& product) const;
};

/// Matrix products by cuBLASLt: for each shape its heuristic's first choice, kept until 4096
/// shapes have come. fp32 products are fp32,
/// never tf32.
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
