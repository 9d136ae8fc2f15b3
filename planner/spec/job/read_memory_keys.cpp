#include "planner/spec/job/read_memory_keys.hpp"

#include <array>

#include "planner/spec/job/read_job.hpp"

namespace foreshard {

namespace {

constexpr auto kLossKeys = std::to_array<KeyInfo>({
    {"fused", "the loss works in place on 16-bit logits (Liger, TransformerEngine): true or false", "false"},
    {"compiled",
     "the loss is compiled (torchtitan's compile with loss): no fp32 logits, gradients beside the logits: "
     "true "
     "or false",
     "false"},
    {"cut", "logits are never in memory and are made again in backward (Cut cross-entropy): true or false",
     "false"},
    {"chunks", "parts in which logits, loss and their gradients are computed one after the other", "1"},
    {"sharded", "logits stay cut over tp: true, or false where each rank gathers them", "true"},
});
constexpr auto kStatesKeys = std::to_array<KeyInfo>({
    {"master", "fp32, fp32-remainder, none or bf16-stochastic: what is kept beside 16-bit weights", "fp32"},
    {"moments",
     "fp32, bf16, fp16, fp8, int8 or factored; unsaid, as the optimizer keeps them for such weights"},
    {"paged", "states lie on the host and are paged in for the update (bitsandbytes): true or false",
     "false"},
});

constexpr auto kOffloadKeys = std::to_array<KeyInfo>({
    {"optimizer", "share of the optimizer's states that the host's CPU keeps and updates", "0"},
    {"weights", "share of the weights that the host keeps until they are gathered; needs zero 3", "0"},
    {"activations", "share of what layers keep for backward that goes to the host and comes back", "0"},
});

constexpr auto kBucketKeys = std::to_array<KeyInfo>({
    {"reduce", "elements of gradients that are reduced at a time (DeepSpeed's reduce_bucket_size)"},
    {"prefetch", "zero 3: elements of weights gathered ahead (stage3_prefetch_bucket_size)"},
    {"live", "zero 3: elements of gathered weights that stay for another use (stage3_max_live_parameters)"},
});

MomentType usual_moments(OptimizerKind optimizer, MasterWeights master, Precision precision) {
  switch (optimizer) {
    case OptimizerKind::adamw_8bit: return MomentType::int8;
    case OptimizerKind::adafactor: return MomentType::factored;
    case OptimizerKind::adamw:
    case OptimizerKind::adam:
    case OptimizerKind::sgd:
    case OptimizerKind::lion:
    case OptimizerKind::muon: break;
  }
  if (has_fp32_weights(master) || precision == Precision::fp32) return MomentType::fp32;
  return precision == Precision::fp16 ? MomentType::fp16 : MomentType::bf16;
}

}  // namespace

KeyTable loss_keys() { return kLossKeys; }
KeyTable states_keys() { return kStatesKeys; }
KeyTable offload_keys() { return kOffloadKeys; }

LossSpec read_loss(const MapReader& training, const LossSpec& usual) {
  LossSpec loss = usual;
  const std::optional<MapReader> map = training.child("loss", kLossKeys);
  if (!map) return loss;
  loss.fused = map->optional("fused", Boolean{}, usual.fused);
  loss.compiled = map->optional("compiled", Boolean{}, usual.compiled);
  loss.cut = map->optional("cut", Boolean{}, usual.cut);
  loss.chunks = map->optional("chunks", WholeNumber{1, 4096}, usual.chunks);
  loss.sharded = map->optional("sharded", Boolean{}, usual.sharded);
  return loss;
}

KeyTable bucket_keys() { return kBucketKeys; }

BucketSpec read_buckets(const MapReader& training) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  BucketSpec buckets;
  const std::optional<MapReader> map = training.child("buckets", kBucketKeys);
  if (!map) return buckets;
  buckets.reduce = map->maybe("reduce", WholeNumber{1, kMost});
  buckets.prefetch = map->maybe("prefetch", WholeNumber{0, kMost});
  buckets.live = map->maybe("live", WholeNumber{0, kMost});
  return buckets;
}

OffloadSpec read_offload(const MapReader& training) {
  OffloadSpec offload;
  const std::optional<MapReader> map = training.child("offload", kOffloadKeys);
  if (!map) return offload;
  offload.optimizer = map->optional("optimizer", RealNumber{0.0, 1.0}, 0.0);
  offload.weights = map->optional("weights", RealNumber{0.0, 1.0}, 0.0);
  offload.activations = map->optional("activations", RealNumber{0.0, 1.0}, 0.0);
  return offload;
}

StatesSpec read_states(const MapReader& training, OptimizerKind optimizer, Precision precision) {
  StatesSpec states;
  const std::optional<MapReader> map = training.child("states", kStatesKeys);
  if (map) states.master = map->optional("master", Choice<MasterWeights>{}, states.master);
  states.moments = usual_moments(optimizer, states.master, precision);
  if (map) states.moments = map->optional("moments", Choice<MomentType>{}, states.moments);
  if (map) states.paged = map->optional("paged", Boolean{}, false);
  return states;
}

}  // namespace foreshard
