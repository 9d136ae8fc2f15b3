#include "planner/explain/kernel_sums.hpp"

#include <numeric>
#include <variant>

#include "planner/cost/memory/memory_pass.hpp"
#include "planner/program/ops/op_flops.hpp"

namespace foreshard {
namespace {

Bound bound_of(Limit limit) {
  switch (limit) {
    case Limit::compute: return Bound::compute;
    case Limit::memory: return Bound::memory;
    case Limit::launch: return Bound::latency;
    case Limit::network: return Bound::link;
  }
  return Bound::compute;
}

bool is_scan(const Op& op) {
  return std::holds_alternative<LinearScan>(op.kind) || std::holds_alternative<CausalConv>(op.kind);
}

/// True for passes that only write a tensor in another type.
bool is_cast(const Op& op) {
  const auto* pointwise = std::get_if<Pointwise>(&op.kind);
  return pointwise != nullptr &&
         (pointwise->kind == PointwiseKind::cast || memory_pass_of(op) == MemoryPass::quantise);
}

DType math_of(const Op& op) {
  const auto* grouped = std::get_if<GroupedGemm>(&op.kind);
  return grouped != nullptr ? grouped->math : std::get<Gemm>(op.kind).math;
}

/// Sums the operations of one block.
class BlockSums {
 public:
  explicit BlockSums(const CostModel& cost) : cost_(cost) {}

  void add(const Op& op, const OpTime& priced) {
    if (is_communication(op)) {
      add_communication(op, priced.time);
    } else if (!is_kernel(op)) {
      sums_.communication[static_cast<std::size_t>(CommAxis::offload)] += priced.time;
    } else if (op.component != Component::optimizer && op.component != Component::gradient_sync) {
      add_kernel(op, priced);
    }
  }
  [[nodiscard]] const KernelSums& sums() const { return sums_; }

 private:
  void add_communication(const Op& op, Seconds time) {
    const Communication communication = communication_of(op).value();
    if (std::holds_alternative<Recv>(communication)) return;  // its Send has the time
    const auto* collective = std::get_if<Collective>(&communication);
    const auto axis =
        static_cast<std::size_t>(axis_of(collective != nullptr ? collective->group : GroupKind::pp));
    sums_.communication[axis] += time;
    sums_.latency[axis] += cost_.communication_latency(op);
  }

  void add_kernel(const Op& op, const OpTime& priced) {
    const Seconds alone = priced.time / cost_.slowest();
    const Bound bound = bound_of(priced.limit);
    put(StepPart::slowest, priced.time - alone, bound);
    if (op.phase == Phase::recompute) {
      put(StepPart::recompute, alone, bound);
    } else if (op.component == Component::attention_core) {
      put(StepPart::attention, alone, bound);
    } else if (is_scan(op)) {
      put(StepPart::scans, alone, bound);
      sums_.scan_ideal += op_flops(op).model / cost_.peak();
    } else if (is_product(op)) {
      add_product(op, alone, bound);
    } else {
      put(is_cast(op) ? StepPart::casts : StepPart::passes, alone, bound);
    }
  }

  /// A product's time, from its FLOPs at the job's peak over the peak and the sustained rate of its own type.
  void add_product(const Op& op, Seconds alone, Bound bound) {
    const DType math = math_of(op);
    const Flops flops = op_flops(op).executed;
    const Seconds at_peak = flops / cost_.peak();
    const Seconds at_own_peak = flops / cost_.kernels().peak(math);
    const Seconds at_sustained = flops / cost_.kernels().sustained(math);
    put(StepPart::extra_work, at_peak, Bound::compute);
    put(StepPart::precision, at_own_peak - at_peak, Bound::compute);
    put(StepPart::sustained, at_sustained - at_own_peak, Bound::compute);
    put(StepPart::shapes, alone - at_sustained, bound);
  }

  void put(StepPart part, Seconds time, Bound bound) {
    sums_.time[static_cast<std::size_t>(part)] += time;
    sums_.bounds[static_cast<std::size_t>(part)][static_cast<std::size_t>(bound)] += time;
  }

  const CostModel& cost_;
  KernelSums sums_;
};

}  // namespace

Seconds KernelSums::kernels() const { return std::accumulate(time.begin(), time.end(), Seconds()); }

void KernelSums::add(const KernelSums& block, double count) {
  for (std::size_t part = 0; part < kStepPartCount; ++part) {
    time[part] += count * block.time[part];
    for (std::size_t bound = 0; bound < kBoundCount; ++bound)
      bounds[part][bound] += count * block.bounds[part][bound];
  }
  for (std::size_t axis = 0; axis < kCommAxisCount; ++axis) {
    communication[axis] += count * block.communication[axis];
    latency[axis] += count * block.latency[axis];
  }
  scan_ideal += count * block.scan_ideal;
}

std::vector<KernelSums> sum_kernels(const StepProgram& program, const CostModel& cost, const OpTimes& times) {
  std::vector<KernelSums> blocks;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    BlockSums block(cost);
    for (std::size_t o = 0; o < program.blocks[b].ops.size(); ++o)
      block.add(program.blocks[b].ops[o], times[b][o]);
    blocks.push_back(block.sums());
  }
  std::vector<KernelSums> stages;
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    KernelSums& sum = stages.emplace_back();
    const std::vector<std::int64_t> calls = count_block_calls(program, StageId(s));
    for (std::size_t b = 0; b < blocks.size(); ++b) sum.add(blocks[b], static_cast<double>(calls[b]));
  }
  return stages;
}

}  // namespace foreshard
