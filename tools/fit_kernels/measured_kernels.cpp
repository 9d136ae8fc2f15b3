#include "tools/fit_kernels/measured_kernels.hpp"

#include <stdexcept>
#include <utility>

#include "planner/program/ops/enum_names.hpp"
#include "planner/spec/types/names.hpp"
#include "tools/fit_kernels/csv_row.hpp"

namespace foreshard::fit {
namespace {

DType type_in(const CsvRow& row, const char* column) {
  const std::optional<DType> type = value_of<DType>(row.text(column));
  if (!type) row.complain(column);
  return *type;
}

TensorId add_tensor(StepProgram& program, DType type, std::vector<std::int64_t> sizes) {
  Tensor tensor;
  tensor.dtype = type;
  for (const std::int64_t size : sizes) tensor.dims.push_back({.name = DimName::flat, .size = size});
  program.tensors.push_back(std::move(tensor));
  return TensorId(program.tensors.size() - 1);
}

Op make_op(OpKind kind, std::vector<Operand> operands, Phase phase) {
  Op op;
  op.kind = kind;
  op.operands = std::move(operands);
  op.phase = phase;
  return op;
}

constexpr double kTera = 1e12;
constexpr Seconds kMicroseconds(1e-6);

/// The time of `flops` at the rate in the row's column `tflops`.
Seconds time_of(const CsvRow& row, double flops) { return Seconds(flops / (kTera * row.number("tflops"))); }

MeasuredKernel gemm(const CsvRow& row) {
  MeasuredKernel kernel;
  const Gemm gemm{
      .m = row.whole("m"), .n = row.whole("n"), .k = row.whole("k"), .math = type_in(row, "dtype")};
  const bool accumulates = row.flag("accumulates");
  const TensorId a = add_tensor(kernel.program, gemm.math, {gemm.m, gemm.k});
  const TensorId b = add_tensor(kernel.program, gemm.math, {gemm.k, gemm.n});
  const TensorId c = add_tensor(kernel.program, type_in(row, "result"), {gemm.m, gemm.n});
  kernel.ops.push_back(
      make_op(gemm, {{a}, {b}, {c, accumulates ? Access::accumulate : Access::write}}, Phase::forward));
  kernel.time = time_of(row, Flops(checked_product(2, gemm.m, gemm.n, gemm.k)).as_double());
  return kernel;
}

MeasuredKernel grouped_gemm(const CsvRow& row) {
  MeasuredKernel kernel;
  GroupedGemm gemm{.experts = row.whole("experts"),
                   .tokens = checked_product(row.whole("experts"), row.whole("tokens_per_expert")),
                   .n = row.whole("n"),
                   .k = row.whole("k"),
                   .math = type_in(row, "dtype")};
  const std::string& phase = row.text("phase");
  const bool weights = phase == "backward-weight";
  if (!weights && phase != "forward" && phase != "backward-input") row.complain("phase");
  if (phase == "backward-input") std::swap(gemm.n, gemm.k);
  const DType activation = is_scaled(gemm.math) ? DType::bf16 : gemm.math;
  const TensorId x = add_tensor(kernel.program, gemm.math, {gemm.tokens, gemm.k});
  const TensorId w =
      add_tensor(kernel.program, weights ? DType::fp32 : gemm.math, {gemm.experts, gemm.n, gemm.k});
  const TensorId y = add_tensor(kernel.program, activation, {gemm.tokens, gemm.n});
  if (weights) {
    kernel.ops.push_back(make_op(gemm, {{y}, {x}, {w, Access::accumulate}}, Phase::backward_weight));
  } else {
    kernel.ops.push_back(make_op(gemm, {{x}, {w}, {y, Access::write}},
                                 phase == "forward" ? Phase::forward : Phase::backward_input));
  }
  kernel.time = time_of(row, Flops(checked_product(2, gemm.tokens, gemm.n, gemm.k)).as_double());
  return kernel;
}

Attention core_of(const CsvRow& row) {
  return {.batch = row.whole("batch"),
          .query = row.whole("sequence"),
          .key = row.whole("sequence"),
          .heads = row.whole("heads"),
          .kv_heads = row.whole("kv_heads"),
          .head_dim = row.whole("head_dim"),
          .v_head_dim = row.whole("v_head_dim"),
          .causal = row.flag("causal"),
          .math = type_in(row, "dtype")};
}

/// The directions that a row times. Published rates count 2 products forward and 5 backward, so 2.5 times as
/// many FLOPs, for all head dimensions, even if the scores are not recomputed by a flash kernel.
struct Directions {
  bool forward = false;
  bool backward = false;
  Seconds time;
};
Directions directions_of(const CsvRow& row, const Attention& core) {
  const std::string& direction = row.text("direction");
  const bool both = direction == "both";
  Directions directions{both || direction == "forward", both || direction == "backward", {}};
  if (!directions.forward && !directions.backward) row.complain("direction");
  constexpr double kBackward = 2.5;
  const double squares = static_cast<double>(checked_product(core.batch, core.heads, core.query, core.key));
  const double forward =
      2.0 * squares * static_cast<double>(core.head_dim + core.v_head_dim) / (core.causal ? 2.0 : 1.0);
  directions.time =
      time_of(row, forward * ((directions.forward ? 1.0 : 0.0) + (directions.backward ? kBackward : 0.0)));
  return directions;
}

MeasuredKernel attention(const CsvRow& row) {
  MeasuredKernel kernel;
  const Attention core = core_of(row);
  const Directions directions = directions_of(row, core);
  if (directions.forward) kernel.ops.push_back(make_op(core, {}, Phase::forward));
  if (directions.backward) kernel.ops.push_back(make_op(core, {}, Phase::backward_input));
  kernel.flash = value_of<FlashVersion>(row.text("flash"));
  if (!kernel.flash) row.complain("flash");
  kernel.time = directions.time;
  return kernel;
}

/// PyTorch's attention without fusion, as the kernels that it runs: batched products over all heads, with the
/// scores stored in memory between them, an addition of the causal mask as a tensor, and softmax.
MeasuredKernel unfused_attention(const CsvRow& row) {
  MeasuredKernel kernel;
  const Attention core = core_of(row);
  const Directions directions = directions_of(row, core);
  const std::int64_t heads = checked_product(core.batch, core.heads);
  const std::int64_t square = checked_product(heads, core.query, core.key);
  const TensorId x = add_tensor(kernel.program, core.math, {heads, core.query, core.head_dim});
  const TensorId s = add_tensor(kernel.program, core.math, {square});
  const TensorId mask = add_tensor(kernel.program, core.math, {core.query, core.key});
  const Gemm scores{.batch = heads, .m = core.query, .n = core.key, .k = core.head_dim, .math = core.math};
  const Gemm values{.batch = heads, .m = core.query, .n = core.head_dim, .k = core.key, .math = core.math};
  const auto run = [&](OpKind kind, std::vector<Operand> operands, Phase phase) {
    kernel.ops.push_back(make_op(kind, std::move(operands), phase));
  };
  const Pointwise softmax{PointwiseKind::softmax, square};
  if (directions.forward) {
    run(scores, {{x}, {x}, {s, Access::write}}, Phase::forward);
    if (core.causal)
      run(Pointwise{PointwiseKind::add, square}, {{s}, {mask}, {s, Access::write}}, Phase::forward);
    run(softmax, {{s}, {s, Access::write}}, Phase::forward);
    run(values, {{s}, {x}, {x, Access::write}}, Phase::forward);
  }
  if (directions.backward) {
    run(scores, {{x}, {x}, {s, Access::write}}, Phase::backward_input);  // dP
    run(values, {{s}, {x}, {x, Access::write}}, Phase::backward_input);  // dV
    run(softmax, {{s}, {s}, {s, Access::write}}, Phase::backward_input);
    run(values, {{s}, {x}, {x, Access::write}}, Phase::backward_input);  // dQ
    run(values, {{s}, {x}, {x, Access::write}}, Phase::backward_input);  // dK
  }
  kernel.time = directions.time;
  return kernel;
}

/// An operation with the memory access pattern that a row names.
OpKind pass(const CsvRow& row) {
  const std::int64_t bytes = row.whole("bytes");
  const std::optional<MemoryPass> pass = value_of<MemoryPass>(row.text("pass"));
  if (!pass) row.complain("pass");
  switch (*pass) {
    case MemoryPass::elementwise: return Pointwise{PointwiseKind::add, bytes};
    case MemoryPass::reduction: return Pointwise{PointwiseKind::sum_squares, bytes};
    case MemoryPass::activation: return Pointwise{PointwiseKind::swiglu, bytes};
    case MemoryPass::dropout: return Pointwise{PointwiseKind::dropout, bytes};
    case MemoryPass::softmax: return Pointwise{PointwiseKind::softmax, bytes};
    case MemoryPass::norm: return Norm{};
    case MemoryPass::rope: return Rope{.tokens = bytes, .heads = 1, .head_dim = 1};
    case MemoryPass::embedding: return Embedding{.tokens = bytes, .width = 1};
    case MemoryPass::cross_entropy: return CrossEntropy{};
    case MemoryPass::routing: return Permute{};
    case MemoryPass::convolution: return CausalConv{.tokens = bytes, .channels = 1};
    case MemoryPass::optimizer: return OptimizerUpdate{};
    case MemoryPass::quantise: return Pointwise{PointwiseKind::quantise, bytes};
    case MemoryPass::gemm:
    case MemoryPass::grouped_gemm:
    case MemoryPass::attention:
    case MemoryPass::scan: break;
  }
  row.complain("pass");
}

MeasuredKernel memory(const CsvRow& row) {
  MeasuredKernel kernel;
  const std::string& direction = row.text("direction");
  if (direction != "forward" && direction != "backward") row.complain("direction");
  // The operation has one operand with as many bytes as the kernel moves.
  const TensorId moved = add_tensor(kernel.program, DType::uint8, {row.whole("bytes")});
  kernel.ops.push_back(
      make_op(pass(row), {{moved}}, direction == "backward" ? Phase::backward_input : Phase::forward));
  // Some sources time several kernels as one: add the elementwise kernel that was timed with this one.
  if (!row.text("elementwise_bytes").empty()) {
    const std::int64_t bytes = row.whole("elementwise_bytes");
    const TensorId beside = add_tensor(kernel.program, DType::uint8, {bytes});
    kernel.ops.push_back(make_op(Pointwise{PointwiseKind::cast, bytes}, {{beside}}, Phase::forward));
  }
  kernel.time = row.number("microseconds") * kMicroseconds;
  return kernel;
}

/// A scan of a linear mixer, or its convolution, forward.
MeasuredKernel linear_mixer(const CsvRow& row) {
  MeasuredKernel kernel;
  const std::int64_t batch = row.whole("batch");
  const std::int64_t sequence = row.whole("sequence");
  if (row.text("kind") == "convolution") {
    const CausalConv conv{.tokens = checked_product(batch, sequence), .channels = row.whole("channels")};
    const TensorId x = add_tensor(kernel.program, DType::bf16, {conv.tokens, conv.channels});
    const TensorId y = add_tensor(kernel.program, DType::bf16, {conv.tokens, conv.channels});
    kernel.ops.push_back(make_op(conv, {{x}, {y, Access::write}}, Phase::forward));
  } else {
    const std::optional<ScanForm> form = value_named<ScanForm>(row.text("kind"));
    if (!form) row.complain("kind");
    kernel.ops.push_back(make_op(LinearScan{.form = *form,
                                            .batch = batch,
                                            .positions = sequence,
                                            .heads = row.whole("heads"),
                                            .key_heads = row.whole("key_heads"),
                                            .key_dim = row.whole("key_dim"),
                                            .value_dim = row.whole("value_dim"),
                                            .chunk = row.whole("chunk")},
                                 {}, Phase::forward));
  }
  kernel.time = row.number("microseconds") * kMicroseconds;
  return kernel;
}

}  // namespace

std::map<std::string, MeasuredSet> read_measured_kernels(const std::filesystem::path& directory) {
  using Reader = MeasuredKernel (*)(const CsvRow&);
  struct File {
    const char* name;
    Family family;
    Reader reader;
  };
  constexpr File kFiles[] = {{"gemm.csv", Family::gemm, gemm},
                             {"gemm_serving.csv", Family::gemm, gemm},
                             {"grouped_gemm.csv", Family::grouped_gemm, grouped_gemm},
                             {"attention.csv", Family::attention, attention},
                             {"attention_serving.csv", Family::attention, attention},
                             {"memory.csv", Family::memory, memory},
                             {"linear_mixers.csv", Family::memory, linear_mixer},
                             {"unfused_attention.csv", Family::unfused, unfused_attention}};
  std::map<std::string, MeasuredSet> sets;
  for (const File& file : kFiles) {
    const tools::CsvTable table = tools::CsvTable::read(directory / file.name);
    for (std::size_t i = 0; i < table.rows(); ++i) {
      const CsvRow row(table, i, (directory / file.name).string());
      MeasuredSet& set = sets[row.text("set")];
      if (!set.kernels.empty() && set.family != file.family) row.complain("set");
      set.family = file.family;
      set.kernels.push_back(file.reader(row));
    }
  }
  return sets;
}

}  // namespace foreshard::fit
