#pragma once

#include "planner/spec/types/job_spec.hpp"

// Jobs for tests, built in code so that tests do not depend on files.

namespace foreshard::test {

/// A cluster with round figures, by default of nodes with eight accelerators: 1 PFLOP/s in every dtype, 1
/// TB/s memory, 100 GB/s links, 10 GB/s network. All constants of the kernel model are neutral (efficiency 1,
/// no fixed times).
inline ClusterSpec round_cluster(std::int64_t nodes, std::int64_t devices_per_node = 8) {
  ClusterSpec cluster;
  cluster.name = "round";
  cluster.nodes = nodes;
  cluster.devices_per_node = devices_per_node;
  cluster.fabric = NodeFabric::nvswitch;
  cluster.link = {.bandwidth = BytesPerSecond(100e9), .efficiency = 1.0, .latency = Seconds(0.0)};
  cluster.network.link = {.bandwidth = BytesPerSecond(10e9), .efficiency = 1.0, .latency = Seconds(0.0)};
  AcceleratorSpec& accelerator = cluster.accelerator;
  accelerator.name = "round";
  accelerator.full_name = "Round";
  accelerator.memory_capacity = Bytes(std::int64_t{80} << 30);
  accelerator.memory_bandwidth = BytesPerSecond(1e12);
  for (const DType type : {DType::fp32, DType::bf16, DType::fp16, DType::fp8}) {
    accelerator.gemm[static_cast<std::size_t>(type)] =
        GemmRate{.peak = FlopsPerSecond(1e15), .efficiency = 1.0};
  }
  accelerator.kernels.memory_efficiency = 1.0;
  return cluster;
}

/// A Llama-shaped model: swiglu, rmsnorm, rope, untied.
inline ModelSpec llama_shaped(std::int64_t layers, std::int64_t hidden, std::int64_t ffn_hidden,
                              std::int64_t heads, std::int64_t kv_heads, std::int64_t vocab) {
  ModelSpec model;
  model.name = "llama-shaped";
  model.layers = layers;
  model.hidden = hidden;
  model.ffn_hidden = ffn_hidden;
  model.heads = heads;
  model.kv_heads = kv_heads;
  model.head_dim = hidden / heads;
  model.vocab = vocab;
  return model;
}

/// A GPT-shaped model: gelu, layernorm, learned positions, biases everywhere, tied.
inline ModelSpec gpt_shaped(std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                            std::int64_t vocab) {
  ModelSpec model = llama_shaped(layers, hidden, 4 * hidden, heads, heads, vocab);
  model.name = "gpt-shaped";
  model.ffn = FfnKind::gelu;
  model.norm = NormKind::layernorm;
  model.biases = Biases::all;
  model.positions = Positions::learned;
  model.tied_embeddings = true;
  return model;
}

/// The job of the golden program: two layers, tp 2, pp 2, two micro-batches of one sequence of four tokens.
inline JobSpec golden_job() {
  JobSpec job;
  job.name = "two_layers_tp2_pp2";
  job.model = llama_shaped(2, 8, 16, 4, 2, 32);
  job.model.vocab_multiple = 8;
  job.cluster = round_cluster(1, 4);
  job.parallelism.tp = 2;
  job.parallelism.pp = 2;
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  job.training.global_batch = 2;
  job.training.overlap = {.tp = TpOverlap::none, .dp = false, .pp = true, .cp = false, .ep = EpOverlap::none};
  return job;
}

}  // namespace foreshard::test
