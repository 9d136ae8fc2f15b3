#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/device/kernel_call.hpp"
#include "runtime/kernels/cpu/thread_pool.hpp"

// Matrix products of bf16 by the library that onednn_products.cpp names and nobody else does.

namespace foreshard::cpu {

/// Products whose factors are bf16 and whose sums are fp32, each shape prepared once and kept. C is cut into
/// pieces by the shape alone and dealt out to threads, so that results do not depend on their number.
class OnednnProducts {
 public:
  explicit OnednnProducts(ThreadPool& pool);
  ~OnednnProducts();
  OnednnProducts(const OnednnProducts&) = delete;
  OnednnProducts& operator=(const OnednnProducts&) = delete;

  /// C = op(A)·op(B), or C += where `adds`; a bf16 C is rounded once. A bias is not looked at.
  /// @pre a and b are bf16, c is bf16 or fp32; m, n and k are above zero
  /// @throws std::runtime_error in the library's words
  void multiply(const GemmCall& call, bool adds);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Whether the library was built in and this processor multiplies bf16 by instructions of its own; elsewhere
/// the library would emulate them, slower than fp32.
bool onednn_multiplies_bf16();

/// "oneDNN 2.6.3 (AMX)": the library and the instructions that its bf16 products are made of.
std::string onednn_name();

}  // namespace foreshard::cpu
