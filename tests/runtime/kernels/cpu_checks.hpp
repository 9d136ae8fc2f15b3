#pragma once

#include <variant>
#include <vector>

#include "runtime/device/check_call.hpp"
#include "runtime/device/cpu_device.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/cpu/kernel_sets.hpp"
#include "tests/runtime/kernels/run_case.hpp"

namespace foreshard::test {

/// A CPU device with the loops of a given instruction set.
class LoopsDevice : public CpuDevice {
 public:
  LoopsDevice(const cpu::KernelSet& loops, int threads) : context_(threads, loops) {
    context_.pool.run([](int /*thread*/) { cpu::use_blas_on_this_thread(); });
  }
  void run(const KernelCall& call) override {
    check_call(call);
    std::visit([this](const auto& kind) { cpu::run(context_, kind); }, call);
  }

 private:
  cpu::Context context_;
};

/// Holds the CPU's kernels to the reference on one case: all operands, norm-wise; inputs must come back as
/// they were. All instruction sets of this machine; several threads must give the very bits of one.
template <class Call>
void check_against_reference(const Case<Call>& one, double tolerance) {
  ReferenceDevice reference;
  const std::vector<Numbers> expected = run_case(reference, one);
  for (const cpu::KernelSet* loops : cpu::kernel_sets()) {
    INFO("loops: " << loops->name);
    LoopsDevice one_thread(*loops, 1);
    const std::vector<Numbers> found = run_case(one_thread, one);
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO("operand " << i);
      CHECK(distance(found[i], expected[i]) <= tolerance);
    }
    if (!cpu::blas_serves_several_threads()) continue;
    for (const int threads : {2, 3}) {
      INFO(threads << " threads");
      LoopsDevice several(*loops, threads);
      CHECK((run_case(several, one) == found));
    }
  }
}

/// Checks a hand-worked result, operand by operand, on the reference and on the CPU's kernels.
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
