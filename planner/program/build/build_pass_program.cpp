#include "planner/program/build/build_pass_program.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "planner/program/build/emit_layers.hpp"
#include "planner/program/build/end_blocks.hpp"
#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/passes/gathered_copies.hpp"
#include "planner/program/passes/host_waits.hpp"
#include "planner/program/passes/zero.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

namespace {

void append_calls(std::vector<BlockCall>& calls, const std::vector<BlockCall>& more) {
  calls.insert(calls.end(), more.begin(), more.end());
}

/// The layers from the last down to the first, as backward and weight passes run them.
std::vector<BlockCall> downwards(const LayerBlocks& layers, std::int64_t count,
                                 BlockId (*block_of)(const PassBlocks&)) {
  std::vector<BlockCall> calls;
  for (std::int64_t l = count - 1; l >= 0; --l) {
    const LayerId layer(static_cast<std::int32_t>(l));
    calls.push_back({block_of(layers.passes(layer)), layer});
  }
  return calls;
}

}  // namespace

StepProgram build_pass_program(const JobSpec& job) {
  ProgramBuilder builder(job);
  LayerBlocks layers(job);
  EndBlocks end(job);
  WeightGroup table{.prefix = "embedding", .block = "embedding", .per_layer = false};
  WeightGroup positions{.prefix = "positions", .block = "positions", .per_layer = false};
  hidden_stream(builder);
  hidden_gradient(builder);
  const PassBlocks embedding =
      finish_passes(builder, emit_embedding(builder, table, positions), {&table, &positions});
  layers.emit(builder);
  end.emit(builder, layers, table);

  for (const WeightGroup* group : {&table, &positions}) cut_weights(builder, *group);
  for (const LayerWeights& weights : layers.all_weights())
    for (const WeightGroup* group : weights.groups()) cut_weights(builder, *group);
  for (const WeightGroup* group : end.groups()) cut_weights(builder, *group);

  const std::int64_t count = job.model.layers;
  const ModelPiece whole{.stage = {},
                         .chunk = {},
                         .layers = {LayerId(0), count},
                         .has_embedding = true,
                         .has_head = true,
                         .has_mtp = end.has_mtp()};
  Chunk chunk;
  chunk.forward.push_back({embedding.forward, LayerId(0)});
  for (LayerId layer(0); layer < end.end(); ++layer)
    chunk.forward.push_back({layers.passes(layer).forward, layer});
  append_calls(chunk.forward, end.forward(whole));

  chunk.backward = end.backward(whole);
  append_calls(chunk.backward,
               downwards(layers, count, [](const PassBlocks& passes) { return passes.backward; }));
  chunk.backward.push_back({embedding.backward, LayerId(0)});

  if (splits_backward(job.training.schedule)) {
    chunk.weight = end.weight(whole);
    append_calls(chunk.weight,
                 downwards(layers, count, [](const PassBlocks& passes) { return passes.last(); }));
    chunk.weight.push_back({embedding.last(), LayerId(0)});
  }

  StepProgram& program = builder.program();
  program.groups = DeviceMesh(job.parallelism).groups();
  StageProgram stage;
  stage.chunks.push_back(std::move(chunk));
  program.stages.push_back(std::move(stage));
  add_sequence_copies(job, program);
  add_host_waits(job, program);
  return std::move(program);
}

}  // namespace foreshard
