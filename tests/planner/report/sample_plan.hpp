#pragma once

#include "planner/results/planned_job.hpp"

/// A job and an estimate with values set by hand. No figure occurs twice, and none can be computed from
/// another by a rule that a report could apply by mistake, so a swapped key is noticed.
namespace foreshard {

inline ClusterSpec sample_cluster() {
  ClusterSpec cluster;
  cluster.name = "dgx-h100";
  cluster.accelerator.name = "h100-80gb-sxm";
  cluster.accelerator.full_name = "NVIDIA H100 80GB SXM";
  cluster.accelerator.memory_bandwidth = BytesPerSecond(3.35e12);
  cluster.accelerator.kernels.spread = 0.10;
  cluster.devices_per_node = 8;
  cluster.nodes = 8;
  cluster.fabric = NodeFabric::nvswitch;
  cluster.link.bandwidth = BytesPerSecond(450e9);
  cluster.network.link.bandwidth = BytesPerSecond(50e9);
  cluster.price = DollarsPerSecond(2.5 / 3600.0);
  return cluster;
}

inline JobSpec sample_job() {
  JobSpec job;
  job.name = "sample";
  job.model.name = "Llama 3 70B";
  job.model.layers = 80;
  job.model.heads = 64;
  job.model.kv_heads = 8;
  job.model.ffn_hidden = 28672;
  job.cluster = sample_cluster();
  job.parallelism.tp = 8;
  job.parallelism.pp = 4;
  job.parallelism.dp = 2;
  job.parallelism.sequence_parallel = true;
  job.training.sequence_length = 8192;
  job.training.global_batch = 512;
  job.training.micro_batch = 1;
  job.training.tokens = Tokens(15'000'000'000'000);
  return job;
}

inline StepFigures sample_step() {
  StepFigures step;
  step.time = Seconds(8.0);
  step.time_low = Seconds(7.5);
  step.time_high = Seconds(8.75);
  step.typical = {.time = Seconds(8.25), .low = Seconds(8.0), .high = Seconds(8.5)};
  step.model_flops = FlopsTotal(Int128{9'500'000'000} * 1'000'000'000);
  step.hardware_flops = FlopsTotal(Int128{9'007'199'254'740'992});
  step.model_flops_causal = FlopsTotal(Int128{77});
  step.tokens = 4096.0;
  step.mfu = 0.55;
  step.hfu = 0.6;
  step.mfu_causal = 0.5;
  step.bubble_fraction = 0.0125;
  step.breakdown = {.compute = Seconds(5.0),
                    .tp_exposed = Seconds(1.25),
                    .pp_exposed = Seconds(0.0625),
                    .dp_exposed = Seconds(0.75),
                    .cp_exposed = Seconds(0.03125),
                    .ep_exposed = Seconds(0.015625),
                    .offload_exposed = Seconds(0.0),
                    .bubble = Seconds(0.5),
                    .optimizer = Seconds(0.25),
                    .overhead = Seconds(0.140625),
                    .host = Seconds(0.125)};
  step.detail = {.gemms = Seconds(3.5),
                 .attention_core = Seconds(1.0),
                 .scans = {},
                 .memory_bound = Seconds(0.5),
                 .gemm_fraction_of_peak = 0.71,
                 // By compute, memory, launch, network.
                 .limited = {{{{Seconds(3.4), Seconds(0.1), {}, {}}},
                              {{Seconds(0.75), Seconds(0.25), {}, {}}},
                              {},  // no scans
                              {{{}, Seconds(0.4), Seconds(0.1), {}}},
                              {{{}, Seconds(0.25), {}, {}}}}}};
  return step;
}

/// 61 GiB needed of 79: 20 + 8 + 12 + 10.5 + 4.5 = 55 allocated, 3 lost to fragmentation, 3 context.
inline MemoryReport sample_memory() {
  const auto gib = [](double count) { return Bytes(static_cast<std::int64_t>(count * kGibi)); };
  StageMemory first;
  first.peak = gib(54);
  first.peak_block = "embedding backward";
  StageMemory worst;
  worst.weights = gib(20);
  worst.gradients = gib(8);
  worst.optimizer = gib(12);
  worst.activations = gib(10.5);
  worst.buffers = gib(4.5);
  worst.peak = gib(55);
  worst.in_flight = 4;
  worst.peak_block = "head backward";
  MemoryReport memory;
  memory.capacity = gib(79);
  memory.context = gib(3);
  memory.peak = gib(55);
  memory.reserved = gib(58);
  memory.fits = true;
  memory.worst_stage = 1;
  memory.stages = {first, worst};
  return memory;
}

inline Estimate sample_estimate() {
  Estimate estimate;
  estimate.parameters = {.total = Parameters(70'553'706'496),
                         .active = Parameters(70'553'706'495),
                         .active_computed = Parameters(69'503'033'344),
                         .mixer = {},
                         .attention = Parameters(12'079'595'520),
                         .ffn = Parameters(56'371'445'760),
                         .embedding = Parameters(2'101'346'304),
                         .norm = Parameters(1'318'912),
                         .router = Parameters(0),
                         .hyper = Parameters(0),
                         .mtp = {}};
  estimate.flops_per_token = {.forward = Flops(141'000'000'001),
                              .training = Flops(423'000'000'003),
                              .training_causal = Flops(412'000'000'002)};
  estimate.step = sample_step();
  estimate.memory = sample_memory();
  estimate.communication[static_cast<std::size_t>(CommAxis::tp)] = {Bytes(101), 11, Seconds(1.5)};
  estimate.communication[static_cast<std::size_t>(CommAxis::pp)] = {Bytes(102), 12, Seconds(0.1)};
  estimate.communication[static_cast<std::size_t>(CommAxis::dp)] = {Bytes(103), 13, Seconds(0.9)};
  estimate.communication[static_cast<std::size_t>(CommAxis::cp)] = {Bytes(104), 14, Seconds(0.2)};
  estimate.communication[static_cast<std::size_t>(CommAxis::ep)] = {Bytes(105), 15, Seconds(0.3)};
  estimate.attention = {.parameters = Parameters(150'994'944),
                        .flops_forward = Flops(4'600'000'000'000),
                        .flops_backward = Flops(9'300'000'000'000),
                        .tp_bytes = Bytes(469'762'048)};
  estimate.ffn = {.parameters = Parameters(704'643'072),
                  .flops_forward = Flops(11'500'000'000'000),
                  .flops_backward = Flops(23'100'000'000'000),
                  .tp_bytes = Bytes(469'762'049)};
  estimate.training = {.steps = 3'576'278.5,
                       .time = Seconds(207'446'400.0),  // 2,401 days
                       .device_hours = 3'687'936.0,
                       .cost = Dollars(9'219'840.0),
                       .energy = Joules(4.7e9 * 3600.0)};  // 4.7 GWh
  estimate.basis = "closed form";
  estimate.stage_layers = {{20}, {20}, {20}, {20}};
  estimate.notes = {"the kv heads, \"8\", are one per rank", "second note"};
  return estimate;
}

inline PlannedJob sample_plan() { return {sample_job(), sample_estimate()}; }

}  // namespace foreshard
