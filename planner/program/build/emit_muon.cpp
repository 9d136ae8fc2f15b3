#include "planner/program/build/emit_muon.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "planner/program/build/optimizer_states.hpp"
#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

constexpr int kNewtonSchulzSteps = 5;
const std::string kMatrices = "matrices";

bool is_matrix(const Tensor& weight) {
  return weight.dims.size() >= 2 && weight.meaning.part != ModelPart::embedding &&
         weight.meaning.part != ModelPart::head;
}

/// A bf16 tensor for the iterate of a weight: `whole`, or this rank's share of it.
TensorId iterate(ProgramBuilder& builder, const WeightGroup& group, TensorId weight, bool whole) {
  Tensor tensor = builder.derived(weight, whole ? Derivation::whole_update : Derivation::update);
  tensor.role = TensorRole::buffer;
  tensor.dtype = DType::bf16;
  tensor.lifetime = whole ? Lifetime::block : Lifetime::layer;
  zero_dim(tensor).dp = whole ? 1 : zero_degree(builder.job(), group);
  return builder.add(std::move(tensor));
}

std::vector<TensorId> iterates(ProgramBuilder& builder, const WeightGroup& group, bool whole) {
  std::vector<TensorId> all;
  for (const TensorId id : muon_matrices(builder, group)) all.push_back(iterate(builder, group, id, whole));
  return all;
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

/// Appends the Newton-Schulz steps of one iterate.
void append_steps(ProgramBuilder& builder, Block& block, TensorId x) {
  const std::vector<Dim> dims = builder.tensor(x).dims;
  const std::int64_t rows = dims[dims.size() - 2].local();
  const std::int64_t columns = dims.back().local();
  const std::int64_t batch = builder.tensor(x).local_elements() / (rows * columns);
  const bool tall = rows > columns;
  const std::int64_t s = std::min(rows, columns);
  const std::int64_t l = std::max(rows, columns);
  const TensorId gram = square(builder, TensorItem::gram, batch, s);
  const TensorId gram_square = square(builder, TensorItem::gram_square, batch, s);
  const auto product = [&](const char* name, Gemm gemm, std::vector<Operand> operands) {
    gemm.batch = batch;
    gemm.math = DType::bf16;
    block.ops.push_back(compute_op(name, Component::optimizer, Phase::optimizer, gemm, std::move(operands)));
  };
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    product("gram", {.m = s, .n = s, .k = l, .transpose_a = tall, .transpose_b = !tall},
            {reads(x), reads(x), writes(gram)});
    product("gram square", {.m = s, .n = s, .k = s}, {reads(gram), reads(gram), writes(gram_square)});
    if (tall)
      product("iterate", {.m = l, .n = s, .k = s}, {reads(x), reads(gram_square), adds_to(x)});
    else
      product("iterate", {.m = s, .n = l, .k = s}, {reads(gram_square), reads(x), adds_to(x)});
  }
}

/// An all-to-all between the shares of all ranks and the whole matrices of one rank.
Op exchange(ProgramBuilder& builder, const WeightGroup& group, const std::vector<TensorId>& from,
            const std::vector<TensorId>& to) {
  Bytes sent;
  Bytes arrives;
  std::vector<Operand> operands;
  for (const TensorId id : from) {
    operands.push_back(reads(id));
    sent += builder.tensor(id).local_bytes();
  }
  for (const TensorId id : to) {
    operands.push_back(writes(id));
    arrives += builder.tensor(id).local_bytes();
  }
  Op op = compute_op("exchange updates", Component::optimizer, Phase::optimizer,
                     Collective{.kind = CollectiveKind::all_to_all,
                                .group = shard_group(builder.job(), group),
                                .reduction = Reduction::sum,
                                .payload = std::max(sent, arrives)},
                     std::move(operands));
  op.lane = lane_of(shard_group(builder.job(), group));
  return op;
}

BlockId momentum_block(ProgramBuilder& builder, const WeightGroup& group) {
  const std::vector<TensorId> matrices = muon_matrices(builder, group);
  std::vector<Operand> operands;
  for (const TensorId id : matrices) operands.push_back(reads(builder.gradient_of(id)));
  operands.push_back(momentum_operand(builder, group, matrices, kMatrices));
  for (const TensorId id : iterates(builder, group, false)) operands.push_back(writes(id));
  Block block{.name = group.block + " momentum", .kind = BlockKind::update, .pass = Pass::once, .ops = {}};
  block.ops.push_back(compute_op(
      "momentum", Component::optimizer, Phase::optimizer,
      OptimizerUpdate{.kind = OptimizerKind::muon, .parameters = share_elements(builder, group, matrices)},
      std::move(operands)));
  return builder.add(std::move(block));
}

}  // namespace

std::vector<TensorId> muon_matrices(const ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<TensorId> matrices;
  if (builder.job().training.optimizer != OptimizerKind::muon) return matrices;
  for (const TensorId id : group.weights) {
    if (is_matrix(builder.tensor(id))) matrices.push_back(id);
  }
  return matrices;
}

MuonBlocks emit_muon(ProgramBuilder& builder, const WeightGroup& group) {
  const BlockId momentum = momentum_block(builder, group);
  Block block{
      .name = group.block + " orthogonalise", .kind = BlockKind::update, .pass = Pass::once, .ops = {}};
  const std::vector<TensorId> shares = iterates(builder, group, false);
  if (zero_degree(builder.job(), group) == 1) {
    for (const TensorId id : shares) append_steps(builder, block, id);
    return {momentum, builder.add(std::move(block))};
  }
  const std::vector<TensorId> whole = iterates(builder, group, true);
  block.ops.push_back(exchange(builder, group, shares, whole));
  for (const TensorId id : whole) append_steps(builder, block, id);
  block.ops.push_back(exchange(builder, group, whole, shares));
  return {momentum, builder.add(std::move(block))};
}

Op muon_update(ProgramBuilder& builder, const WeightGroup& group) {
  const std::vector<TensorId> matrices = muon_matrices(builder, group);
  std::vector<Operand> operands;
  for (const TensorId id : iterates(builder, group, false)) operands.push_back(reads(id));
  const std::vector<Operand> masters = master_operands(builder, group, matrices, kMatrices);
  operands.insert(operands.end(), masters.begin(), masters.end());
  for (const TensorId id : matrices) operands.push_back(masters.empty() ? adds_to(id) : writes(id));
  return compute_op(
      "update matrices", Component::optimizer, Phase::optimizer,
      OptimizerUpdate{.kind = OptimizerKind::muon, .parameters = share_elements(builder, group, matrices)},
      std::move(operands));
}

}  // namespace foreshard
