#pragma once

// A training step small enough to follow its memory by hand: two layers, an embedding before them, a loss
// after them. Everything is stored in bytes, so sizes are element counts.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard::tiny {

/// Sizes in bytes. They differ in digits or orders of magnitude, so that the terms of a sum can be
/// recognised.
struct Sizes {
  std::int64_t weight = 10'000;    ///< of a layer
  std::int64_t gradient = 20'000;  ///< of a layer
  std::int64_t moments = 30'000;   ///< optimizer state of a layer
  std::int64_t table = 50'000;     ///< embedding, and its gradient
  std::int64_t norm = 4;           ///< global gradient norm
  std::int64_t ids = 1;
  std::int64_t hidden = 10;         ///< also the size of d.hidden and of transfers
  std::int64_t inner = 100;         ///< kept by a layer for backward
  std::int64_t activated = 40;      ///< inside a layer's forward
  std::int64_t d_inner = 60;        ///< inside a layer's backward
  std::int64_t logits = 500;        ///< kept by the head for backward
  std::int64_t update_scratch = 7;  ///< inside the optimizer
};

/// Collects tensors and blocks under readable names.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(StepProgram program = {}) : program_(std::move(program)) {}

  TensorId tensor(std::string name, TensorRole role, Lifetime lifetime, std::int64_t bytes,
                  bool per_layer = true) {
    Tensor tensor;
    tensor.label = std::move(name);
    tensor.role = role;
    tensor.dtype = DType::uint8;
    tensor.lifetime = lifetime;
    tensor.dims = {Dim{.name = DimName::flat, .size = bytes}};
    tensor.per_layer = per_layer;
    program_.tensors.push_back(std::move(tensor));
    return TensorId(program_.tensors.size() - 1);
  }
  BlockId block(std::string name, Pass pass, std::vector<Op> ops) {
    Block block;
    block.name = std::move(name);
    block.pass = pass;
    block.ops = std::move(ops);
    program_.blocks.push_back(std::move(block));
    return BlockId(program_.blocks.size() - 1);
  }
  StepProgram& program() { return program_; }

 private:
  StepProgram program_;
};

inline Operand read(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::read, .layer_shift = static_cast<std::int8_t>(shift)};
}
inline Operand write(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::write, .layer_shift = static_cast<std::int8_t>(shift)};
}
inline Operand add_to(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::accumulate, .layer_shift = static_cast<std::int8_t>(shift)};
}

/// An operation with operands only, because the memory ledger reads nothing else.
inline Op op(std::string name, std::vector<Operand> operands) {
  Op result;
  result.kind = Pointwise{};
  result.operands = std::move(operands);
  result.name = std::move(name);
  return result;
}

inline Slot forward(int chunk, int micro_batch) {
  return {.pass = Pass::forward, .chunk = ChunkId(chunk), .micro_batch = MicroBatch(micro_batch)};
}
inline Slot backward(int chunk, int micro_batch) {
  return {.pass = Pass::backward, .chunk = ChunkId(chunk), .micro_batch = MicroBatch(micro_batch)};
}

/// GPipe's order: all forward passes, then all backward passes.
inline std::vector<Slot> gpipe_order(int micro_batches) {
  std::vector<Slot> order;
  for (int i = 0; i < micro_batches; ++i) order.push_back(forward(0, i));
  for (int i = 0; i < micro_batches; ++i) order.push_back(backward(0, i));
  return order;
}

/// `stages` − 1 − `stage` warm-up forwards, then forward and backward alternately, then the rest of backward.
inline std::vector<Slot> one_f_one_b_order(int stages, int stage, int micro_batches) {
  const int warm_up = stages - 1 - stage < micro_batches ? stages - 1 - stage : micro_batches;
  std::vector<Slot> order;
  for (int i = 0; i < warm_up; ++i) order.push_back(forward(0, i));
  for (int i = warm_up; i < micro_batches; ++i) {
    order.push_back(forward(0, i));
    order.push_back(backward(0, i - warm_up));
  }
  for (int i = micro_batches - warm_up; i < micro_batches; ++i) order.push_back(backward(0, i));
  return order;
}

/// The blocks of the tiny model.
///   layer    up: inner = f(hidden, w)      act: activated = f(inner)      down: hidden+1 = f(activated, w)
///   backward d.down: d_inner = f(d.hidden+1, w)      d.w: g += f(d_inner, inner)
///            d.up: d.hidden = f(d_inner, hidden)
struct Model {
  BlockId embedding_forward, layer_forward, head_forward;
  BlockId embedding_backward, layer_backward, head_backward;
  BlockId receive_forward, send_forward, receive_backward, send_backward;
  BlockId clip, update;
};

inline Model build_model(ProgramBuilder& build, const Sizes& size) {
  const auto step = Lifetime::step;
  const auto micro_batch = Lifetime::micro_batch;
  const auto block = Lifetime::block;
  const TensorId weight = build.tensor("weight", TensorRole::weight, step, size.weight);
  const TensorId gradient = build.tensor("gradient", TensorRole::gradient, step, size.gradient);
  const TensorId moments = build.tensor("moments", TensorRole::optimizer, step, size.moments);
  const TensorId table = build.tensor("table", TensorRole::weight, step, size.table, false);
  const TensorId d_table = build.tensor("d.table", TensorRole::gradient, step, size.table, false);
  const TensorId norm = build.tensor("norm", TensorRole::buffer, step, size.norm, false);
  const TensorId ids = build.tensor("ids", TensorRole::input, micro_batch, size.ids, false);
  const TensorId hidden = build.tensor("hidden", TensorRole::activation, micro_batch, size.hidden);
  const TensorId d_hidden =
      build.tensor("d.hidden", TensorRole::activation_gradient, micro_batch, size.hidden);
  const TensorId inner = build.tensor("inner", TensorRole::activation, micro_batch, size.inner);
  const TensorId activated = build.tensor("activated", TensorRole::activation, block, size.activated);
  const TensorId d_inner = build.tensor("d.inner", TensorRole::activation_gradient, block, size.d_inner);
  const TensorId logits = build.tensor("logits", TensorRole::activation, micro_batch, size.logits, false);
  const TensorId scratch = build.tensor("scratch", TensorRole::buffer, block, size.update_scratch);

  Model model;
  model.embedding_forward = build.block("embedding forward", Pass::forward,
                                        {op("look up", {read(ids), read(table), write(hidden)})});
  model.layer_forward = build.block(
      "layer forward", Pass::forward,
      {op("up", {read(hidden), read(weight), write(inner)}), op("act", {read(inner), write(activated)}),
       op("down", {read(activated), read(weight), write(hidden, 1)})});
  model.head_forward =
      build.block("head forward", Pass::forward, {op("logits", {read(hidden, 1), write(logits)})});
  model.head_backward = build.block("head backward", Pass::backward,
                                    {op("d.logits", {read(logits), read(hidden, 1), write(d_hidden, 1)})});
  model.layer_backward = build.block("layer backward", Pass::backward,
                                     {op("d.down", {read(d_hidden, 1), read(weight), write(d_inner)}),
                                      op("d.w", {read(d_inner), read(inner), add_to(gradient)}),
                                      op("d.up", {read(d_inner), read(hidden), write(d_hidden)})});
  model.embedding_backward = build.block("embedding backward", Pass::backward,
                                         {op("d.table", {read(ids), read(d_hidden), add_to(d_table)})});
  model.receive_forward = build.block("receive forward", Pass::forward, {op("recv", {write(hidden)})});
  model.send_forward = build.block("send forward", Pass::forward, {op("send", {read(hidden, 1)})});
  model.receive_backward =
      build.block("receive backward", Pass::backward, {op("recv", {write(d_hidden, 1)})});
  model.send_backward = build.block("send backward", Pass::backward, {op("send", {read(d_hidden)})});
  model.clip = build.block("clip", Pass::once, {op("squares", {read(gradient), add_to(norm)})});
  model.update = build.block("update", Pass::once,
                             {op("scale", {read(gradient), read(norm), write(scratch)}),
                              op("step", {read(scratch), add_to(moments), write(weight)})});
  return model;
}

/// Embedding and layer 0 on stage 0, layer 1 and head on stage 1. The caller sets the stages' orders.
inline StepProgram two_stages(std::int64_t micro_batches, const Sizes& size = {}) {
  ProgramBuilder build;
  const Model m = build_model(build, size);
  const LayerId zero(0);
  const LayerId one(1);
  StepProgram& program = build.program();
  program.micro_batches = micro_batches;
  program.stages.resize(2);
  program.stages[0].chunks = {{
      .forward = {{m.embedding_forward, zero}, {m.layer_forward, zero}, {m.send_forward, zero}},
      .backward = {{m.receive_backward, zero}, {m.layer_backward, zero}, {m.embedding_backward, zero}},
      .last_backward = {},
  }};
  program.stages[0].epilogue = {{m.clip, zero}, {m.update, zero}};
  program.stages[1].chunks = {{
      .forward = {{m.receive_forward, one}, {m.layer_forward, one}, {m.head_forward, one}},
      .backward = {{m.head_backward, one}, {m.layer_backward, one}, {m.send_backward, one}},
      .last_backward = {},
  }};
  program.stages[1].epilogue = {{m.clip, one}, {m.update, one}};
  return program;
}

/// `layers` layers between embedding and head, all on one stage, one micro-batch after the other.
inline StepProgram one_stage(std::int64_t micro_batches, int layers, const Sizes& size = {}) {
  ProgramBuilder build;
  const Model m = build_model(build, size);
  const LayerId first(0);
  const LayerId last(layers - 1);
  Chunk chunk;
  chunk.forward.push_back({m.embedding_forward, first});
  for (int layer = 0; layer < layers; ++layer) chunk.forward.push_back({m.layer_forward, LayerId(layer)});
  chunk.forward.push_back({m.head_forward, last});
  chunk.backward.push_back({m.head_backward, last});
  for (int layer = layers - 1; layer >= 0; --layer)
    chunk.backward.push_back({m.layer_backward, LayerId(layer)});
  chunk.backward.push_back({m.embedding_backward, first});

  StageProgram stage;
  stage.chunks = {chunk};
  stage.order = one_f_one_b_order(1, 0, static_cast<int>(micro_batches));
  for (int layer = 0; layer < layers; ++layer) {
    stage.epilogue.push_back({m.clip, LayerId(layer)});
    stage.epilogue.push_back({m.update, LayerId(layer)});
  }
  StepProgram& program = build.program();
  program.micro_batches = micro_batches;
  program.stages = {stage};
  return program;
}

}  // namespace foreshard::tiny
