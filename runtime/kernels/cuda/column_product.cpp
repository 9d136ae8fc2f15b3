#include <bit>
#include <functional>
#include <initializer_list>
#include <stdexcept>

#include "runtime/kernels/cuda/products.hpp"

namespace foreshard::cuda {
namespace {

/// The largest power of two up to 16 that divides all addresses.
std::int64_t common_alignment(std::initializer_list<const std::byte*> addresses) {
  std::uintptr_t bits = 16;
  for (const std::byte* address : addresses) bits |= std::bit_cast<std::uintptr_t>(address);
  return std::int64_t{1} << std::countr_zero(bits);
}

}  // namespace

ColumnProduct column_product(const GemmCall& call) {
  if (call.a.type != call.b.type) throw std::invalid_argument("gemm: a and b differ in dtype");
  return {
      .rows = call.n,
      .columns = call.m,
      .inner = call.k,
      // B stored row-major as (k,n) is (n,k) in column-major order, which is the first factor of Cᵀ. If B is
      // transposed, it is stored row-major as (n,k): (k,n) in column-major order, to be transposed.
      .transpose_first = call.transpose_b,
      .transpose_second = call.transpose_a,
      .first_rows = call.transpose_b ? call.k : call.n,
      .second_rows = call.transpose_a ? call.m : call.k,
      .type = call.a.type,
      .result_type = call.c.type,
      .accumulate = call.accumulate,
      .bias = !call.bias.empty(),
      .alignment = common_alignment({call.a.data, call.b.data, call.c.data})};
}

std::size_t ColumnProductHash::operator()(const ColumnProduct& product) const {
  std::size_t hash = 0;
  for (const std::int64_t part :
       {product.rows, product.columns, product.inner, product.first_rows, product.second_rows,
        product.alignment, static_cast<std::int64_t>(product.type),
        static_cast<std::int64_t>(product.result_type),
        std::int64_t{product.transpose_first} | std::int64_t{product.transpose_second} << 1 |
            std::int64_t{product.accumulate} << 2 | std::int64_t{product.bias} << 3})
    hash = hash * 1'000'003 + std::hash<std::int64_t>{}(part);
  return hash;
}

}  // namespace foreshard::cuda
