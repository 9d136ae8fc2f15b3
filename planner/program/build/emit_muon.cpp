#include "planner/program/build/emit_muon.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/program/build/optimizer_states.hpp"
#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

constexpr int kNewtonSchulzSteps = 5;
const std::string kMatrices = "matrices";

bool is_matrix(const Tensor& weight) {
  return weight.dims.size() >= 2 && weight.meaning.aspect != TensorAspect::bias &&
         weight.meaning.part != ModelPart::embedding && weight.meaning.part != ModelPart::head;
}

/// A bf16 tensor for the iterate of a weight: this rank's share of it, the whole of it, or the next one.
TensorId iterate(ProgramBuilder& builder, const WeightGroup& group, TensorId weight, Derivation which) {
  Tensor tensor = builder.derived(weight, which);
  const bool is_share = which == Derivation::update;
  tensor.role = TensorRole::buffer;
  tensor.dtype = DType::bf16;
  tensor.lifetime = is_share ? Lifetime::micro_batch : Lifetime::block;
  zero_dim(tensor).dp = is_share ? zero_degree(builder.job(), group) : 1;
  return builder.add(std::move(tensor));
}

std::vector<TensorId> iterates(ProgramBuilder& builder, const WeightGroup& group, Derivation which) {
  std::vector<TensorId> all;
  for (const TensorId id : muon_matrices(builder, group)) all.push_back(iterate(builder, group, id, which));
  return all;
}

/// The matrices of an iterate: several, where it belongs to experts.
struct Matrices {
  std::int64_t batch = 1;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

Matrices matrices_of(const Tensor& iterate) {
  const std::vector<Dim>& dims = iterate.dims;
  Matrices shape{.batch = 1, .rows = dims[dims.size() - 2].local(), .columns = dims.back().local()};
  shape.batch = iterate.local_elements() / (shape.rows * shape.columns);
  return shape;
}

/// A square product of iterates, shared by all matrices of this size.
TensorId square(ProgramBuilder& builder, TensorItem item, std::int64_t batch, std::int64_t size) {
  Tensor tensor;
  tensor.meaning = {ModelPart::optimizer, item};
  tensor.label =
      fmt::format("muon {} {} x {}", item == TensorItem::gram ? "gram" : "gram square", batch, size);
  tensor.role = TensorRole::buffer;
  tensor.dtype = DType::bf16;
  tensor.lifetime = Lifetime::block;
  tensor.per_layer = false;
  tensor.dims = {{.name = DimName::flat, .size = checked_product(batch, size)},
                 {.name = DimName::flat, .size = size}};
  return builder.add(std::move(tensor));
}

/// Appends y = x/‖x‖ for each matrix.
void append_normalise(ProgramBuilder& builder, Block& block, TensorId x, TensorId y) {
  Tensor sums;
  sums.meaning = {ModelPart::optimizer, TensorItem::iterate, TensorAspect::statistics};
  sums.label = fmt::format("muon squares x {}", matrices_of(builder.tensor(x)).batch);
  sums.role = TensorRole::buffer;
  sums.dtype = DType::fp32;
  sums.lifetime = Lifetime::block;
  sums.per_layer = false;
  sums.dims = {{.name = DimName::flat, .size = matrices_of(builder.tensor(x)).batch}};
  const std::int64_t matrices = sums.local_elements();
  const TensorId squares = builder.add(std::move(sums));
  const std::int64_t elements = builder.tensor(x).local_elements();
  const auto pass = [&](const char* name, Pointwise kind, std::vector<Operand> operands) {
    block.ops.push_back(compute_op(name, Component::optimizer, Phase::optimizer, kind, std::move(operands)));
  };
  pass("zero squares", {PointwiseKind::zero, matrices}, {writes(squares)});
  pass("squares", {PointwiseKind::sum_squares, elements}, {reads(x), adds_to(squares)});
  pass("normalise", {PointwiseKind::normalise, elements}, {reads(x), reads(squares), writes(y)});
}

/// Appends the Newton-Schulz steps of an iterate x, which becomes its result. `next` takes every second iterate.
void append_steps(ProgramBuilder& builder, Block& block, TensorId x, TensorId next) {
  const Matrices shape = matrices_of(builder.tensor(x));
  const bool tall = shape.rows > shape.columns;
  const std::int64_t s = std::min(shape.rows, shape.columns);
  const std::int64_t l = std::max(shape.rows, shape.columns);
  const TensorId gram = square(builder, TensorItem::gram, shape.batch, s);
  const TensorId gram_square = square(builder, TensorItem::gram_square, shape.batch, s);
  const auto product = [&](const char* name, Gemm gemm, std::vector<Operand> operands) {
    gemm.batch = shape.batch;
    gemm.math = DType::bf16;
    block.ops.push_back(compute_op(name, Component::optimizer, Phase::optimizer, gemm, std::move(operands)));
  };
  append_normalise(builder, block, x, next);
  static_assert(kNewtonSchulzSteps % 2 == 1, "the last step writes x");
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    const TensorId from = step % 2 == 0 ? next : x;
    const TensorId to = step % 2 == 0 ? x : next;
    product("gram", {.m = s, .n = s, .k = l, .transpose_a = tall, .transpose_b = !tall},
            {reads(from), reads(from), writes(gram)});
    product("gram square", {.m = s, .n = s, .k = s}, {reads(gram), reads(gram), writes(gram_square)});
    if (tall)
      product("iterate", {.m = l, .n = s, .k = s}, {reads(from), reads(gram_square), writes(to)});
    else
      product("iterate", {.m = s, .n = l, .k = s}, {reads(gram_square), reads(from), writes(to)});
  }
}

/// An all-to-all between the shares that a rank has of several layers, and the whole matrices of one layer. Each
/// share travels as it is allocated, in whole rows; ranks to which no layer falls take part with zeros.
Op exchange(ProgramBuilder& builder, const WeightGroup& group, const std::vector<int>& layers, bool gathers) {
  Bytes share;
  std::vector<Operand> shares;
  std::vector<Operand> whole;
  for (const TensorId id : iterates(builder, group, Derivation::update)) {
    for (const int layer : layers) shares.push_back(gathers ? reads(id, layer) : writes(id, layer));
    share += builder.tensor(id).local_bytes();
  }
  for (const TensorId id : iterates(builder, group, Derivation::whole_update))
    whole.push_back(gathers ? writes(id) : reads(id));
  std::vector<Operand> operands = gathers ? shares : whole;
  const std::vector<Operand>& arrives = gathers ? whole : shares;
  operands.insert(operands.end(), arrives.begin(), arrives.end());
  Op op = compute_op("exchange updates", Component::optimizer, Phase::optimizer,
                     Collective{.kind = CollectiveKind::all_to_all,
                                .group = shard_group(builder.job(), group),
                                .reduction = Reduction::sum,
                                .payload = zero_degree(builder.job(), group) * share},
                     std::move(operands));
  op.lane = lane_of(shard_group(builder.job(), group));
  return op;
}

}  // namespace

BlockId emit_momentum(ProgramBuilder& builder, const WeightGroup& group, TensorId norm) {
  const std::vector<TensorId> matrices = muon_matrices(builder, group);
  std::vector<Operand> operands;
  for (const TensorId id : matrices) operands.push_back(reads(builder.gradient_of(id)));
  operands.push_back(reads(norm));
  operands.push_back(momentum_operand(builder, group, matrices, kMatrices));
  for (const TensorId id : iterates(builder, group, Derivation::update)) operands.push_back(writes(id));
  Block block{.name = group.block + " momentum", .kind = BlockKind::update, .pass = Pass::once, .ops = {}};
  block.ops.push_back(compute_op(
      "momentum", Component::optimizer, Phase::optimizer,
      OptimizerUpdate{.kind = OptimizerKind::muon, .parameters = share_elements(builder, group, matrices)},
      std::move(operands)));
  return builder.add(std::move(block));
}

std::vector<TensorId> muon_matrices(const ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<TensorId> matrices;
  if (builder.job().training.optimizer != OptimizerKind::muon) return matrices;
  for (const TensorId id : group.weights) {
    if (is_matrix(builder.tensor(id))) matrices.push_back(id);
  }
  return matrices;
}

BlockId emit_orthogonal(ProgramBuilder& builder, const WeightGroup& group, const std::vector<int>& layers) {
  const std::string suffix = layers.size() == 1 ? "" : fmt::format(" one of +{}", fmt::join(layers, " +"));
  Block block{.name = group.block + " orthogonalise" + suffix,
              .kind = BlockKind::update,
              .pass = Pass::once,
              .ops = {}};
  const bool is_cut = zero_degree(builder.job(), group) > 1;
  const std::vector<TensorId> x =
      iterates(builder, group, is_cut ? Derivation::whole_update : Derivation::update);
  const std::vector<TensorId> next = iterates(builder, group, Derivation::next_update);
  if (is_cut) block.ops.push_back(exchange(builder, group, layers, true));
  for (std::size_t i = 0; i < x.size(); ++i) append_steps(builder, block, x[i], next[i]);
  if (is_cut) block.ops.push_back(exchange(builder, group, layers, false));
  return builder.add(std::move(block));
}

Op muon_update(ProgramBuilder& builder, const WeightGroup& group) {
  const std::vector<TensorId> matrices = muon_matrices(builder, group);
  std::vector<Operand> operands;
  for (const TensorId id : iterates(builder, group, Derivation::update)) operands.push_back(reads(id));
  const std::vector<Operand> masters = master_operands(builder, group, matrices, kMatrices);
  operands.insert(operands.end(), masters.begin(), masters.end());
  for (const TensorId id : matrices) operands.push_back(masters.empty() ? adds_to(id) : writes(id));
  return compute_op("update matrices", Component::optimizer, Phase::optimizer,
                    OptimizerUpdate{.kind = OptimizerKind::muon,
                                    .parameters = share_elements(builder, group, matrices),
                                    .stochastic_rounding = rounds_at_random(builder)},
                    std::move(operands));
}

}  // namespace foreshard
