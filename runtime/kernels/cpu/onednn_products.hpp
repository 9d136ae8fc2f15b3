#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/device/kernel_call.hpp"
#include "runtime/kernels/cpu/thread_pool.hpp"

// Matrix products of bf16 by oneDNN; onednn_products.cpp is the only source that calls it.

namespace foreshard::cpu {

/// Products of bf16 factors, summed in fp32. Each shape is prepared once and kept. C is split into pieces by
/// the shape only, and the threads share the pieces, so that results do not depend on the number of threads.
class OnednnProducts {
 public:
  explicit OnednnProducts(ThreadPool& pool);
  ~OnednnProducts();
  OnednnProducts(const OnednnProducts&) = delete;
  OnednnProducts& operator=(const OnednnProducts&) = delete;

  /// C = op(A)·op(B), or C += op(A)·op(B) if `adds`. A bf16 C is rounded once. The call's bias is ignored.
  /// @pre a and b are bf16, c is bf16 or fp32; m, n and k are above zero
  /// @throws std::runtime_error with the library's error text
  void multiply(const GemmCall& call, bool adds);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Whether this was built with oneDNN and the processor has instructions that multiply bf16. Without them the
/// library would emulate them, slower than fp32.
bool onednn_multiplies_bf16();

/// "oneDNN 2.6.3 (AMX)": the library, and the instructions that its bf16 products use.
std::string onednn_name();

}  // namespace foreshard::cpu
