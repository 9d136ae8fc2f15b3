#include "planner/program/emit/emit_pipeline.hpp"

#include <utility>

namespace foreshard {

namespace {

/// A tp-th of the stream's tokens, as it travels.
TensorId slice_of(ProgramBuilder& builder, TensorId stream) {
  Tensor slice = builder.derived(stream, Derivation::pipeline_slice);
  slice.meaning.part = ModelPart::pipeline;
  slice.lifetime = Lifetime::block;
  slice.dims[0].tp = builder.shapes().tp;
  return builder.add(std::move(slice));
}

struct Direction {
  std::string name;
  TensorId stream;
  Peer to;
  Lane lane;
  Pass pass;
  Phase phase;
};

BlockId emit_send(ProgramBuilder& builder, const Direction& d, bool scatter) {
  const TensorId travels = scatter ? slice_of(builder, d.stream) : d.stream;
  const Bytes payload = builder.tensor(travels).local_bytes();
  Op op = compute_op("send " + d.name, Component::pipeline, d.phase, Send{.peer = d.to, .payload = payload},
                     {reads(d.stream)});
  op.lane = d.lane;
  op.blocks_compute = !builder.job().training.overlap.pp;
  return builder.add(
      Block{.name = "send " + d.name, .kind = BlockKind::pipeline, .pass = d.pass, .ops = {std::move(op)}});
}

BlockId emit_receive(ProgramBuilder& builder, const Direction& d, bool scatter) {
  const Peer from = d.to == Peer::next_stage ? Peer::previous_stage : Peer::next_stage;
  const TensorId arrives = scatter ? slice_of(builder, d.stream) : d.stream;
  Block block{.name = "receive " + d.name, .kind = BlockKind::pipeline, .pass = d.pass, .ops = {}};
  Op op = compute_op("receive " + d.name, Component::pipeline, d.phase,
                     Recv{.peer = from, .payload = builder.tensor(arrives).local_bytes()}, {writes(arrives)});
  op.lane = d.lane;
  block.ops.push_back(std::move(op));
  if (scatter) {
    Op gather = compute_op("gather slices", Component::pipeline, d.phase,
                           Collective{.kind = CollectiveKind::all_gather,
                                      .group = GroupKind::tp,
                                      .reduction = Reduction::sum,
                                      .payload = builder.tensor(d.stream).local_bytes()},
                           {reads(arrives), writes(d.stream)});
    gather.lane = Lane::tp;
    block.ops.push_back(std::move(gather));
  }
  return builder.add(std::move(block));
}

}  // namespace

PipelineBlocks emit_pipeline(ProgramBuilder& builder) {
  const bool scatter = builder.shapes().tp > 1 && builder.conventions().scatter_pipeline &&
                       !builder.job().parallelism.sequence_parallel;
  const Direction forward{"forward",        builder.find(kHiddenStream),
                          Peer::next_stage, Lane::pp_forward,
                          Pass::forward,    Phase::forward};
  const Direction backward{
      "backward",           builder.find(Derivation::gradient, builder.find(kHiddenStream)),
      Peer::previous_stage, Lane::pp_backward,
      Pass::backward,       Phase::backward_input};
  return {.send_forward = emit_send(builder, forward, scatter),
          .receive_forward = emit_receive(builder, forward, scatter),
          .send_backward = emit_send(builder, backward, scatter),
          .receive_backward = emit_receive(builder, backward, scatter)};
}

}  // namespace foreshard
