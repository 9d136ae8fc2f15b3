#pragma once

#include <type_traits>
#include <variant>
#include <vector>

#include "runtime/device/check_call.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/cpu/kernel_sets.hpp"
#include "tests/runtime/kernels/bf16_case.hpp"

namespace foreshard::test {

/// A CPU device with the loops of a given instruction set and a given method of multiplying bf16.
class LoopsDevice : public CpuDevice {
 public:
  LoopsDevice(const cpu::KernelSet& loops, int threads, cpu::Bf16Products products)
      : context_(threads, loops, products) {
    context_.pool.run([](int /*thread*/) { cpu::use_blas_on_this_thread(); });
  }
  void run(const KernelCall& call) override {
    check_call(call);
    std::visit([this](const auto& kind) { cpu::run(context_, kind); }, call);
  }

 private:
  cpu::Context context_;
};

/// The device for tests that run calls themselves.
inline Device& tested_device() {
  static CpuDevice processor;
  return processor;
}
inline constexpr double kAttentionBound = 5e-6;  // the order of long sums differs

/// The methods of multiplying bf16 that this machine supports.
inline std::vector<cpu::Bf16Products> bf16_products() {
  if (!cpu::onednn_multiplies_bf16()) return {cpu::Bf16Products::blocks};
  return {cpu::Bf16Products::blocks, cpu::Bf16Products::onednn};
}

template <class Call>
void check_on_cpu(const Case<Call>& one, double tolerance, cpu::Bf16Products products) {
  ReferenceDevice reference;
  const std::vector<Numbers> expected = run_case(reference, one);
  for (const cpu::KernelSet* loops : cpu::kernel_sets()) {
    INFO("loops: " << loops->name);
    LoopsDevice one_thread(*loops, 1, products);
    const std::vector<Numbers> found = run_case(one_thread, one);
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO("operand " << i);
      CHECK(distance(found[i], expected[i]) <= tolerance);
    }
    if (!cpu::blas_serves_several_threads()) continue;
    for (const int threads : {2, 3}) {
      INFO(threads << " threads");
      LoopsDevice several(*loops, threads, products);
      CHECK((run_case(several, one) == found));
    }
  }
}

/// Compares the CPU's kernels with the reference on one case: the relative error of every operand's norm must
/// be within the tolerance, and inputs must be unchanged. In fp32 and in bf16, for all instruction sets of
/// this machine. Several threads must give the same bits as one.
template <class Call>
void check_against_reference(const Case<Call>& one, double tolerance) {
  {
    INFO("fp32");
    check_on_cpu(one, tolerance, cpu::Bf16Products::blocks);
  }
  for (const cpu::Bf16Products products : bf16_products()) {
    INFO("bf16, products " << (products == cpu::Bf16Products::onednn ? "by oneDNN" : "in blocks"));
    check_on_cpu(in_bf16(one), kBf16Bound, products);
    if constexpr (!std::is_same_v<Call, GemmCall>) break;  // the methods differ only in products
  }
}

/// Compares a case with operands of several dtypes with the reference, for every method of multiplying bf16.
template <class Call>
void check_in_own_dtypes(const Case<Call>& one, double tolerance = kBf16Bound) {
  for (const cpu::Bf16Products products : bf16_products()) check_on_cpu(one, tolerance, products);
}

/// Compares the results of the reference and of the CPU's kernels with results computed by hand, for each
/// operand.
template <class Call>
void check_values(const Case<Call>& one, const std::vector<Numbers>& expected) {
  ReferenceDevice reference;
  CpuDevice processor;
  const std::vector<Numbers> exact = run_case(reference, one);
  const std::vector<Numbers> fp32 = run_case(processor, one);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("operand " << i);
    CHECK(distance(exact[i], expected[i]) <= 1e-14);
    CHECK(distance(fp32[i], expected[i]) <= 1e-6);
  }
}

}  // namespace foreshard::test
