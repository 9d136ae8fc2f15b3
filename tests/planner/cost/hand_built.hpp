#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"

namespace foreshard::test {

constexpr std::size_t index_of(DType type) { return static_cast<std::size_t>(type); }
constexpr std::size_t index_of(FlashVersion version) { return static_cast<std::size_t>(version); }
constexpr std::size_t index_of(MemoryPass pass) { return static_cast<std::size_t>(pass); }

/// A device with round figures: 500 TFLOP/s sustained in bf16, 800 GB/s of memory.
inline AcceleratorSpec round_accelerator() {
  AcceleratorSpec accelerator;
  accelerator.name = "round";
  accelerator.memory_bandwidth = BytesPerSecond(1000e9);
  accelerator.gemm[index_of(DType::fp32)] = GemmRate{FlopsPerSecond(100e12), 0.5};
  accelerator.gemm[index_of(DType::tf32)] = GemmRate{FlopsPerSecond(400e12), 0.5};
  accelerator.gemm[index_of(DType::bf16)] = GemmRate{FlopsPerSecond(1000e12), 0.5};
  accelerator.gemm[index_of(DType::fp16)] = GemmRate{FlopsPerSecond(1000e12), 0.5};
  accelerator.gemm[index_of(DType::fp8)] = GemmRate{FlopsPerSecond(2000e12), 0.5};
  accelerator.kernels.gemm_fixed = Seconds(4e-6);
  accelerator.kernels.gemm_k_prologue = 128;
  accelerator.kernels.attention[index_of(FlashVersion::fa2)] =
      FlashAttention{.forward = {.efficiency = 0.4}, .backward = {.efficiency = 0.25}};
  accelerator.usual_flash = FlashVersion::fa2;
  accelerator.kernels.memory_efficiency = 0.8;
  accelerator.kernels.memory_half_size = Bytes(8'000'000);
  accelerator.kernels.launch = Seconds(2e-6);
  accelerator.kernels.spread = 0.1;
  return accelerator;
}

struct Degrees {
  std::int64_t tp = 1;
  std::int64_t cp = 1;
  std::int64_t dp = 1;
  std::int64_t pp = 1;
  std::int64_t ep = 1;
};

/// Nodes of 8 round devices: 200 GB/s and 1 us inside, 40 GB/s per device and 10 us across.
inline JobSpec round_job(const Degrees& degrees = {}) {
  JobSpec job;
  job.parallelism.tp = degrees.tp;
  job.parallelism.cp = degrees.cp;
  job.parallelism.dp = degrees.dp;
  job.parallelism.pp = degrees.pp;
  job.parallelism.ep = degrees.ep;
  job.cluster.name = "round-cluster";
  job.cluster.accelerator = round_accelerator();
  job.cluster.devices_per_node = 8;
  job.cluster.nodes =
      ceil_divide<std::int64_t>(checked_product(degrees.tp, degrees.cp, degrees.dp, degrees.pp), 8);
  job.cluster.fabric = NodeFabric::nvswitch;
  job.cluster.link = {BytesPerSecond(400e9), 0.5, Seconds(1e-6)};
  job.cluster.network.link = {BytesPerSecond(50e9), 0.8, Seconds(10e-6)};
  return job;
}

/// A program of tensors alone, to which operations refer.
class Tensors {
 public:
  TensorId add(DType dtype, std::vector<std::int64_t> sizes, TensorRole role = TensorRole::activation) {
    Tensor tensor;
    tensor.role = role;
    tensor.dtype = dtype;
    for (const std::int64_t size : sizes) tensor.dims.push_back(Dim{DimName::flat, size});
    return add(std::move(tensor));
  }
  TensorId add(Tensor tensor) {
    program_.tensors.push_back(std::move(tensor));
    return TensorId(program_.tensors.size() - 1);
  }
  [[nodiscard]] const StepProgram& program() const { return program_; }

 private:
  StepProgram program_;
};

inline Op make_op(OpKind kind, std::vector<Operand> operands, Phase phase = Phase::forward) {
  Op op;
  op.kind = std::move(kind);
  op.operands = std::move(operands);
  op.phase = phase;
  return op;
}
inline Op make_op(OpKind kind, Phase phase = Phase::forward) { return make_op(std::move(kind), {}, phase); }

inline Operand read(TensorId tensor) { return {tensor, Access::read}; }
inline Operand write(TensorId tensor) { return {tensor, Access::write}; }
inline Operand accumulate(TensorId tensor) { return {tensor, Access::accumulate}; }

/// A product of two bf16 matrices with its three operands.
inline std::pair<Op, StepProgram> bf16_product(const Gemm& gemm) {
  Tensors tensors;
  const TensorId a = tensors.add(DType::bf16, {gemm.batch, gemm.m, gemm.k});
  const TensorId b = tensors.add(DType::bf16, {gemm.batch, gemm.k, gemm.n});
  const TensorId c = tensors.add(DType::bf16, {gemm.batch, gemm.m, gemm.n});
  return {make_op(gemm, {read(a), read(b), write(c)}), tensors.program()};
}

}  // namespace foreshard::test
