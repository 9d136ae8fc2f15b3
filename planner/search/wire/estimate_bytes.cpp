#include "planner/search/wire/estimate_bytes.hpp"

#include <stdexcept>

#include "planner/search/wire/bytes.hpp"

namespace foreshard {
namespace {

// What is plain memory goes as it is; of the rest, each type names all its fields: a structured binding does not compile
// once a field is added or removed.

template <class Stream, MaybeConst<StageMemory> Stage>
void pass(Stream& bytes, Stage& stage) {
  auto& [weights, gradients, optimizer, activations, buffers, peak, in_flight, peak_block] = stage;
  bytes.values(weights, gradients, optimizer, activations, buffers, peak, in_flight, peak_block);
}

template <class Stream, MaybeConst<MemoryReport> Report>
void pass(Stream& bytes, Report& memory) {
  auto& [capacity, context, peak, graphs, reserved, fits, host, allocated, reserved_low, reserved_high,
         needed_low, needed_high, verdict, worst_stage, stages] = memory;
  bytes.values(capacity, context, peak, graphs, reserved, fits, host, allocated, reserved_low, reserved_high,
               needed_low, needed_high, verdict, worst_stage);
  bytes.each(stages, [&](auto& stage) { pass(bytes, stage); });
}

template <class Stream, MaybeConst<LayerSplit> Split>
void pass(Stream& bytes, Split& split) {
  auto& [kind, layers, has_experts, mixer, attention, ffn] = split;
  bytes.values(kind, layers, has_experts, mixer, attention, ffn);
}

template <class Stream, MaybeConst<Estimate> Figures>
void pass(Stream& bytes, Figures& estimate) {
  auto& [parameters, flops_per_token, step, memory, communication, layer_kinds, attention, ffn, training,
         stage_layers, vocab_padding, basis, notes] = estimate;
  bytes.values(parameters, flops_per_token, step);
  pass(bytes, memory);
  bytes.value(communication);
  bytes.each(layer_kinds, [&](auto& split) { pass(bytes, split); });
  bytes.values(attention, ffn, training, stage_layers, vocab_padding, basis, notes);
}

template <class Stream, MaybeConst<EstimatedPlan> Plan>
void pass(Stream& bytes, Plan& plan) {
  bytes.optional(plan.estimate, [&](auto& estimate) { pass(bytes, estimate); });
}

}  // namespace

std::string to_bytes(const CloseFloor& floor) {
  BytesWriter bytes;
  bytes.values(floor.fits, floor.floor, floor.is_even);
  return bytes.take();
}

CloseFloor close_floor_of_bytes(std::string_view bytes) {
  CloseFloor floor;
  BytesReader reader(bytes);
  reader.values(floor.fits, floor.floor, floor.is_even);
  reader.require_end();
  return floor;
}

std::string to_bytes(const EstimatedPlan& plan) {
  BytesWriter bytes;
  pass(bytes, plan);
  return bytes.take();
}

EstimatedPlan plan_of_bytes(std::string_view bytes) {
  EstimatedPlan plan;
  BytesReader reader(bytes);
  pass(reader, plan);
  reader.require_end();
  return plan;
}

}  // namespace foreshard
