// Replaces onednn_products.cpp if oneDNN was not found: bf16 is then multiplied in blocks converted to fp32.
#include <stdexcept>

#include "runtime/kernels/cpu/onednn_products.hpp"

namespace foreshard::cpu {

struct OnednnProducts::Parts {};

OnednnProducts::OnednnProducts(ThreadPool& /*pool*/) { throw std::logic_error("oneDNN was not built in"); }
OnednnProducts::~OnednnProducts() = default;
void OnednnProducts::multiply(const GemmCall& /*call*/, bool /*adds*/) {}

bool onednn_multiplies_bf16() { return false; }
std::string onednn_name() { return {}; }

}  // namespace foreshard::cpu
