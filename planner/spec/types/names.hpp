#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "planner/spec/types/job_spec.hpp"

/// The words for enumeration values in YAML files and messages: one table per enumeration.
namespace foreshard {

template <class E>
struct Named {
  E value;
  std::string_view word;
};

/// All values of E with their words, in the order in which messages list them.
template <class E>
inline constexpr std::array<Named<E>, 0> kWords;

template <>
inline constexpr auto kWords<DType> = std::to_array<Named<DType>>({{DType::fp64, "fp64"},
                                                                   {DType::fp32, "fp32"},
                                                                   {DType::tf32, "tf32"},
                                                                   {DType::bf16, "bf16"},
                                                                   {DType::fp16, "fp16"},
                                                                   {DType::fp8, "fp8"},
                                                                   {DType::fp8_rowwise, "fp8_rowwise"},
                                                                   {DType::fp8_block, "fp8_block"},
                                                                   {DType::mxfp8, "mxfp8"},
                                                                   {DType::nvfp4, "nvfp4"},
                                                                   {DType::nf4, "nf4"},
                                                                   {DType::int32, "int32"},
                                                                   {DType::uint8, "uint8"}});
template <>
inline constexpr auto kWords<FfnKind> = std::to_array<Named<FfnKind>>({{FfnKind::swiglu, "swiglu"},
                                                                       {FfnKind::geglu, "geglu"},
                                                                       {FfnKind::glu, "glu"},
                                                                       {FfnKind::gelu, "gelu"},
                                                                       {FfnKind::relu, "relu"},
                                                                       {FfnKind::sqrelu, "sqrelu"}});
template <>
inline constexpr auto kWords<NormKind> = std::to_array<Named<NormKind>>({{NormKind::rmsnorm, "rmsnorm"},
                                                                         {NormKind::layernorm, "layernorm"}});
template <>
inline constexpr auto kWords<Biases> = std::to_array<Named<Biases>>(
    {{Biases::none, "none"}, {Biases::qkv, "qkv"}, {Biases::attention, "attention"}, {Biases::all, "all"}});
template <>
inline constexpr auto kWords<Positions> = std::to_array<Named<Positions>>({{Positions::rope, "rope"},
                                                                           {Positions::learned, "learned"},
                                                                           {Positions::alibi, "alibi"},
                                                                           {Positions::none, "none"}});
template <>
inline constexpr auto kWords<MixerKind> =
    std::to_array<Named<MixerKind>>({{MixerKind::attention, "attention"},
                                     {MixerKind::mla, "mla"},
                                     {MixerKind::sparse_attention, "sparse-attention"},
                                     {MixerKind::mamba2, "mamba2"},
                                     {MixerKind::gated_delta_net, "gated-delta-net"},
                                     {MixerKind::kimi_delta, "kimi-delta"},
                                     {MixerKind::none, "none"}});
template <>
inline constexpr auto kWords<OutputGate> =
    std::to_array<Named<OutputGate>>({{OutputGate::none, "none"},
                                      {OutputGate::elementwise, "elementwise"},
                                      {OutputGate::headwise, "headwise"}});
template <>
inline constexpr auto kWords<IndexerKind> =
    std::to_array<Named<IndexerKind>>({{IndexerKind::lightning, "lightning"}, {IndexerKind::block, "block"}});
template <>
inline constexpr auto kWords<FeedForward> = std::to_array<Named<FeedForward>>(
    {{FeedForward::dense, "dense"}, {FeedForward::experts, "experts"}, {FeedForward::none, "none"}});
template <>
inline constexpr auto kWords<NodeFabric> =
    std::to_array<Named<NodeFabric>>({{NodeFabric::nvswitch, "nvswitch"},
                                      {NodeFabric::mesh, "mesh"},
                                      {NodeFabric::pcie, "pcie"},
                                      {NodeFabric::shared_memory, "shared-memory"},
                                      {NodeFabric::none, "none"}});
template <>
inline constexpr auto kWords<NcclGeneration> =
    std::to_array<Named<NcclGeneration>>({{NcclGeneration::volta, "volta"},
                                          {NcclGeneration::ampere, "ampere"},
                                          {NcclGeneration::hopper, "hopper"},
                                          {NcclGeneration::blackwell, "blackwell"}});
template <>
inline constexpr auto kWords<Confidence> =
    std::to_array<Named<Confidence>>({{Confidence::measured_sustained, "measured-sustained"},
                                      {Confidence::measured_burst, "measured-burst"},
                                      {Confidence::published, "published"},
                                      {Confidence::announced, "announced"},
                                      {Confidence::derived, "derived"},
                                      {Confidence::assumed, "assumed"}});
template <>
inline constexpr auto kWords<ConstantGroup> =
    std::to_array<Named<ConstantGroup>>({{ConstantGroup::peaks, "peaks"},
                                         {ConstantGroup::products, "products"},
                                         {ConstantGroup::experts, "experts"},
                                         {ConstantGroup::attention, "attention"},
                                         {ConstantGroup::passes, "passes"},
                                         {ConstantGroup::collectives, "collectives"},
                                         {ConstantGroup::price, "price"},
                                         {ConstantGroup::power, "power"}});
template <>
inline constexpr auto kWords<Topology> =
    std::to_array<Named<Topology>>({{Topology::rail_optimised, "rail-optimised"},
                                    {Topology::fat_tree, "fat-tree"},
                                    {Topology::torus, "torus"},
                                    {Topology::single_switch, "single-switch"}});
template <>
inline constexpr auto kWords<Framework> =
    std::to_array<Named<Framework>>({{Framework::megatron, "megatron"},
                                     {Framework::megatron_deepspeed, "megatron-deepspeed"},
                                     {Framework::torch_fsdp, "torch-fsdp"},
                                     {Framework::deepspeed, "deepspeed"},
                                     {Framework::nanotron, "nanotron"},
                                     {Framework::foreshard, "foreshard"}});
template <>
inline constexpr auto kWords<TpOverlap> = std::to_array<Named<TpOverlap>>({{TpOverlap::none, "none"},
                                                                           {TpOverlap::wgrad, "wgrad"},
                                                                           {TpOverlap::full, "full"}});
template <>
inline constexpr auto kWords<Dispatcher> =
    std::to_array<Named<Dispatcher>>({{Dispatcher::all_to_all, "all-to-all"},
                                      {Dispatcher::all_gather, "all-gather"},
                                      {Dispatcher::deepep, "deepep"},
                                      {Dispatcher::hybridep, "hybridep"},
                                      {Dispatcher::loop, "loop"}});
template <>
inline constexpr auto kWords<DispatchPrecision> = std::to_array<Named<DispatchPrecision>>(
    {{DispatchPrecision::same, "same"}, {DispatchPrecision::fp8, "fp8"}});
template <>
inline constexpr auto kWords<CpStyle> = std::to_array<Named<CpStyle>>({{CpStyle::ring, "ring"},
                                                                       {CpStyle::all_gather, "all-gather"},
                                                                       {CpStyle::ulysses, "ulysses"}});
template <>
inline constexpr auto kWords<StagePolicy> = std::to_array<Named<StagePolicy>>(
    {{StagePolicy::even, "even"}, {StagePolicy::by_cost, "by-cost"}, {StagePolicy::listed, "listed"}});
template <>
inline constexpr auto kWords<Precision> = std::to_array<Named<Precision>>({{Precision::fp32, "fp32"},
                                                                           {Precision::tf32, "tf32"},
                                                                           {Precision::bf16, "bf16"},
                                                                           {Precision::fp16, "fp16"},
                                                                           {Precision::fp8, "fp8"},
                                                                           {Precision::mxfp8, "mxfp8"},
                                                                           {Precision::nvfp4, "nvfp4"}});
template <>
inline constexpr auto kWords<AttentionPrecision> = std::to_array<Named<AttentionPrecision>>(
    {{AttentionPrecision::bf16, "bf16"}, {AttentionPrecision::fp8, "fp8"}});
template <>
inline constexpr auto kWords<AttentionKind> = std::to_array<Named<AttentionKind>>(
    {{AttentionKind::flash, "flash"}, {AttentionKind::unfused, "unfused"}});
template <>
inline constexpr auto kWords<FlashVersion> =
    std::to_array<Named<FlashVersion>>({{FlashVersion::fa1, "fa1"},
                                        {FlashVersion::fa2, "fa2"},
                                        {FlashVersion::fa3, "fa3"},
                                        {FlashVersion::fa4, "fa4"},
                                        {FlashVersion::cudnn, "cudnn"},
                                        {FlashVersion::triton, "triton"}});
template <>
inline constexpr auto kWords<MemoryPass> =
    std::to_array<Named<MemoryPass>>({{MemoryPass::gemm, "gemm"},
                                      {MemoryPass::grouped_gemm, "grouped_gemm"},
                                      {MemoryPass::elementwise, "elementwise"},
                                      {MemoryPass::reduction, "reduction"},
                                      {MemoryPass::activation, "activation"},
                                      {MemoryPass::dropout, "dropout"},
                                      {MemoryPass::softmax, "softmax"},
                                      {MemoryPass::norm, "norm"},
                                      {MemoryPass::rope, "rope"},
                                      {MemoryPass::embedding, "embedding"},
                                      {MemoryPass::cross_entropy, "cross_entropy"},
                                      {MemoryPass::routing, "routing"},
                                      {MemoryPass::convolution, "convolution"},
                                      {MemoryPass::scan, "scan"},
                                      {MemoryPass::attention, "attention"},
                                      {MemoryPass::optimizer, "optimizer"},
                                      {MemoryPass::quantise, "quantise"}});
template <>
inline constexpr auto kWords<Fp8Scaling> = std::to_array<Named<Fp8Scaling>>({{Fp8Scaling::delayed, "delayed"},
                                                                             {Fp8Scaling::tensorwise,
                                                                              "tensorwise"},
                                                                             {Fp8Scaling::rowwise, "rowwise"},
                                                                             {Fp8Scaling::block, "block"},
                                                                             {Fp8Scaling::mx, "mx"}});
template <>
inline constexpr auto kWords<Graphs> =
    std::to_array<Named<Graphs>>({{Graphs::none, "none"}, {Graphs::layer, "layer"}, {Graphs::full, "full"}});
template <>
inline constexpr auto kWords<Launch> = std::to_array<Named<Launch>>({{Launch::async, "async"},
                                                                     {Launch::blocking, "blocking"}});
template <>
inline constexpr auto kWords<Recompute> =
    std::to_array<Named<Recompute>>({{Recompute::none, "none"},
                                     {Recompute::selective, "selective"},
                                     {Recompute::selective_ops, "selective-ops"},
                                     {Recompute::full, "full"}});
template <>
inline constexpr auto kWords<RecomputeModule> =
    std::to_array<Named<RecomputeModule>>({{RecomputeModule::core_attn, "core_attn"},
                                           {RecomputeModule::mla_up_proj, "mla_up_proj"},
                                           {RecomputeModule::layernorm, "layernorm"},
                                           {RecomputeModule::mlp, "mlp"},
                                           {RecomputeModule::moe, "moe"},
                                           {RecomputeModule::moe_act, "moe_act"},
                                           {RecomputeModule::shared_experts, "shared_experts"}});
template <>
inline constexpr auto kWords<ScheduleKind> =
    std::to_array<Named<ScheduleKind>>({{ScheduleKind::gpipe, "gpipe"},
                                        {ScheduleKind::one_f_one_b, "1f1b"},
                                        {ScheduleKind::interleaved, "interleaved"},
                                        {ScheduleKind::zero_bubble, "zero-bubble"},
                                        {ScheduleKind::zero_bubble_2p, "zero-bubble-2p"},
                                        {ScheduleKind::zb_v, "zb-v"},
                                        {ScheduleKind::dualpipe_v, "dualpipe-v"}});
template <>
inline constexpr auto kWords<OptimizerKind> =
    std::to_array<Named<OptimizerKind>>({{OptimizerKind::adamw, "adamw"},
                                         {OptimizerKind::adam, "adam"},
                                         {OptimizerKind::sgd, "sgd"},
                                         {OptimizerKind::adamw_8bit, "adamw-8bit"},
                                         {OptimizerKind::adafactor, "adafactor"},
                                         {OptimizerKind::lion, "lion"},
                                         {OptimizerKind::muon, "muon"}});
template <>
inline constexpr auto kWords<LoraTarget> = std::to_array<Named<LoraTarget>>({{LoraTarget::attention,
                                                                              "attention"},
                                                                             {LoraTarget::ffn, "ffn"},
                                                                             {LoraTarget::q, "q"},
                                                                             {LoraTarget::k, "k"},
                                                                             {LoraTarget::v, "v"},
                                                                             {LoraTarget::o, "o"},
                                                                             {LoraTarget::gate, "gate"},
                                                                             {LoraTarget::up, "up"},
                                                                             {LoraTarget::down, "down"},
                                                                             {LoraTarget::experts, "experts"},
                                                                             {LoraTarget::head, "head"}});
template <>
inline constexpr auto kWords<LoraBase> = std::to_array<Named<LoraBase>>(
    {{LoraBase::bf16, "bf16"}, {LoraBase::nf4, "nf4"}, {LoraBase::int8, "int8"}, {LoraBase::fp8, "fp8"}});
template <>
inline constexpr auto kWords<MasterWeights> =
    std::to_array<Named<MasterWeights>>({{MasterWeights::fp32, "fp32"},
                                         {MasterWeights::fp32_remainder, "fp32-remainder"},
                                         {MasterWeights::none, "none"},
                                         {MasterWeights::bf16_stochastic, "bf16-stochastic"}});
template <>
inline constexpr auto kWords<MomentType> = std::to_array<Named<MomentType>>({{MomentType::fp32, "fp32"},
                                                                             {MomentType::bf16, "bf16"},
                                                                             {MomentType::fp16, "fp16"},
                                                                             {MomentType::fp8, "fp8"},
                                                                             {MomentType::int8, "int8"},
                                                                             {MomentType::factored,
                                                                              "factored"}});
template <>
inline constexpr auto kWords<MemoryKind> = std::to_array<Named<MemoryKind>>(
    {{MemoryKind::allocated, "allocated"}, {MemoryKind::reserved, "reserved"}, {MemoryKind::other, "other"}});

template <>
inline constexpr auto kWords<RunOutcome> = std::to_array<Named<RunOutcome>>({{RunOutcome::ran, "ran"},
                                                                             {RunOutcome::oom, "oom"}});

/// The word for a value: ScheduleKind::one_f_one_b is "1f1b".
template <class E>
constexpr std::string_view word_of(E value) {
  for (const Named<E>& named : kWords<E>) {
    if (named.value == value) return named.word;
  }
  return {};
}

/// The value of a word, if it names one.
template <class E>
constexpr std::optional<E> value_of(std::string_view word) {
  for (const Named<E>& named : kWords<E>) {
    if (named.word == word) return named.value;
  }
  return std::nullopt;
}

}  // namespace foreshard
