#include "planner/program/emit/emit_pipeline.hpp"

#include <utility>

namespace foreshard {

namespace {

/// The 1/tp of the stream's tokens that one rank sends.
TensorId slice_of(ProgramBuilder& builder, TensorId stream) {
  Tensor slice = builder.derived(stream, Derivation::pipeline_slice);
  slice.meaning.part = ModelPart::pipeline;
  slice.lifetime = Lifetime::block;
  slice.dims[0].tp = builder.shapes().tp;
  return builder.add(std::move(slice));
}

/// The tensor of a transfer, and its direction.
struct Direction {
  std::string name;
  TensorId stream;
  std::vector<int> layers;  ///< the instances of the stream that are sent, relative to the block call's layer
  Peer to;
  Pass pass;
  Phase phase;

  [[nodiscard]] Lane lane() const {
    if (pass == Pass::forward) return to == Peer::next_stage ? Lane::pp_forward : Lane::pp_forward_turned;
    return to == Peer::previous_stage ? Lane::pp_backward : Lane::pp_backward_turned;
  }
};

enum class Payload : std::uint8_t { whole, scattered };

std::vector<Operand> instances(TensorId tensor, const std::vector<int>& layers, Access access) {
  std::vector<Operand> operands;
  for (const int layer : layers) operands.push_back({tensor, access, static_cast<std::int16_t>(layer)});
  return operands;
}

Bytes payload_of(const ProgramBuilder& builder, TensorId tensor, const Direction& d) {
  return builder.tensor(tensor).local_bytes() * static_cast<std::int64_t>(d.layers.size());
}

BlockId emit_send(ProgramBuilder& builder, const Direction& d, Payload payload_form) {
  const TensorId travels = payload_form == Payload::scattered ? slice_of(builder, d.stream) : d.stream;
  const Bytes payload = payload_of(builder, travels, d);
  Op op = compute_op("send " + d.name, Component::pipeline, d.phase, Send{.peer = d.to, .payload = payload},
                     instances(d.stream, d.layers, Access::read));
  op.lane = d.lane();
  op.blocks_compute = !builder.job().training.overlap.pp;
  return builder.add(
      Block{.name = "send " + d.name, .kind = BlockKind::pipeline, .pass = d.pass, .ops = {std::move(op)}});
}

BlockId emit_receive(ProgramBuilder& builder, const Direction& d, Payload payload_form) {
  const Peer from = d.to == Peer::next_stage ? Peer::previous_stage : Peer::next_stage;
  const TensorId arrives = payload_form == Payload::scattered ? slice_of(builder, d.stream) : d.stream;
  Block block{.name = "receive " + d.name, .kind = BlockKind::pipeline, .pass = d.pass, .ops = {}};
  Op op = compute_op("receive " + d.name, Component::pipeline, d.phase,
                     Recv{.peer = from, .payload = payload_of(builder, arrives, d)},
                     instances(arrives, d.layers, Access::write));
  op.lane = d.lane();
  block.ops.push_back(std::move(op));
  if (payload_form == Payload::scattered) {
    std::vector<Operand> gathered = instances(arrives, d.layers, Access::read);
    for (const Operand& whole : instances(d.stream, d.layers, Access::write)) gathered.push_back(whole);
    Op gather = compute_op("gather slices", Component::pipeline, d.phase,
                           Collective{.kind = CollectiveKind::all_gather,
                                      .group = GroupKind::tp,
                                      .reduction = Reduction::sum,
                                      .payload = payload_of(builder, d.stream, d)},
                           std::move(gathered));
    gather.lane = Lane::tp;
    block.ops.push_back(std::move(gather));
  }
  return builder.add(std::move(block));
}

}  // namespace

PipelineBlocks emit_pipeline(ProgramBuilder& builder, const PipelineTransfer& transfer) {
  const bool scatters = builder.shapes().tp > 1 && builder.conventions().scatter_pipeline &&
                        !builder.job().parallelism.sequence_parallel;
  const Payload form = scatters ? Payload::scattered : Payload::whole;
  const bool is_usual = transfer.way == Peer::next_stage;
  const std::string turned = is_usual ? "" : ", turned";
  const std::string with_mtp = transfer.streams.size() > 1 ? ", with mtp" : "";
  const TensorId hidden = builder.find(kHiddenStream);
  const Direction forward{
      "forward" + turned + with_mtp, hidden, transfer.streams, transfer.way, Pass::forward, Phase::forward};
  const Direction backward{"backward" + turned + with_mtp,
                           builder.find(Derivation::gradient, hidden),
                           transfer.streams,
                           is_usual ? Peer::previous_stage : Peer::next_stage,
                           Pass::backward,
                           Phase::backward_input};
  return {.send_forward = emit_send(builder, forward, form),
          .receive_forward = emit_receive(builder, forward, form),
          .send_backward = emit_send(builder, backward, form),
          .receive_backward = emit_receive(builder, backward, form)};
}

}  // namespace foreshard
