#include "runtime/calibrate/kernel_probes.hpp"

#include <cstdint>
#include <string>

namespace foreshard {
namespace {

struct ProbeShape {
  const char* name = "";
  std::int64_t layers = 1;
  std::int64_t hidden = 0;
  std::int64_t ffn_hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 64;
  std::int64_t vocab = 4096;
  std::int64_t sequence = 0;
  std::int64_t sequences = 1;
};

JobSpec probe(const ProbeShape& shape) {
  JobSpec job;
  job.name = std::string("probe, ") + shape.name;
  job.model.name = shape.name;
  job.model.layers = shape.layers;
  job.model.hidden = shape.hidden;
  job.model.ffn_hidden = shape.ffn_hidden;
  job.model.heads = shape.heads;
  job.model.kv_heads = shape.kv_heads;
  job.model.head_dim = shape.head_dim;
  job.model.vocab = shape.vocab;
  job.training.precision = Precision::fp32;
  job.training.sequence_length = shape.sequence;
  job.training.micro_batch = shape.sequences;
  job.training.global_batch = shape.sequences;
  job.training.overlap = {};
  return job;
}

/// The same shape with GPT's kinds of kernels: GELU, layer norms, biases, learned positions.
JobSpec as_gpt(JobSpec job) {
  job.model.ffn = FfnKind::gelu;
  job.model.norm = NormKind::layernorm;
  job.model.biases = Biases::all;
  job.model.positions = Positions::learned;
  return job;
}

std::vector<JobSpec> cpu_probes(CalibrationEffort effort) {
  const JobSpec narrow = probe({.name = "narrow",
                                .layers = 4,
                                .hidden = 256,
                                .ffn_hidden = 704,
                                .heads = 4,
                                .kv_heads = 2,
                                .sequence = 128});
  const JobSpec wide_heads = probe({.name = "wide heads",
                                    .layers = 2,
                                    .hidden = 512,
                                    .ffn_hidden = 1408,
                                    .heads = 4,
                                    .kv_heads = 4,
                                    .head_dim = 128,
                                    .vocab = 8192,
                                    .sequence = 256,
                                    .sequences = 2});
  const JobSpec small_gpt = as_gpt(probe({.name = "small gpt",
                                          .layers = 2,
                                          .hidden = 256,
                                          .ffn_hidden = 1024,
                                          .heads = 4,
                                          .kv_heads = 4,
                                          .sequence = 512}));
  if (effort == CalibrationEffort::quick) return {narrow, wide_heads, small_gpt};
  return {narrow, wide_heads, small_gpt,
          as_gpt(probe({.name = "gpt",
                        .layers = 2,
                        .hidden = 768,
                        .ffn_hidden = 3072,
                        .heads = 12,
                        .kv_heads = 12,
                        .sequence = 512})),
          // Like the share of one tensor-parallel rank: long rows, few heads, a narrow feed-forward network.
          probe({.name = "share",
                 .layers = 2,
                 .hidden = 1024,
                 .ffn_hidden = 1408,
                 .heads = 8,
                 .kv_heads = 2,
                 .sequence = 1024}),
          probe({.name = "broad",
                 .layers = 1,
                 .hidden = 2048,
                 .ffn_hidden = 4096,
                 .heads = 16,
                 .kv_heads = 4,
                 .head_dim = 128,
                 .sequence = 256}),
          probe({.name = "long",
                 .layers = 1,
                 .hidden = 256,
                 .ffn_hidden = 512,
                 .heads = 8,
                 .kv_heads = 8,
                 .vocab = 2048,
                 .sequence = 2048}),
          probe({.name = "many short",
                 .layers = 1,
                 .hidden = 512,
                 .ffn_hidden = 1024,
                 .heads = 8,
                 .kv_heads = 2,
                 .sequence = 128,
                 .sequences = 8})};
}

}  // namespace

std::vector<JobSpec> kernel_probes(CalibrationEffort effort, Precision precision) {
  std::vector<JobSpec> probes = cpu_probes(effort);
  for (JobSpec& job : probes) job.training.precision = precision;
  return probes;
}

std::vector<JobSpec> gpu_kernel_probes(CalibrationEffort effort) {
  const auto share = [](const char* name, std::int64_t hidden, std::int64_t ffn_hidden, std::int64_t heads,
                        std::int64_t kv_heads, std::int64_t sequence, std::int64_t sequences = 1) {
    JobSpec job = probe({.name = name,
                         .layers = 4,
                         .hidden = hidden,
                         .ffn_hidden = ffn_hidden,
                         .heads = heads,
                         .kv_heads = kv_heads,
                         .head_dim = 128,
                         .vocab = 4096,
                         .sequence = sequence,
                         .sequences = sequences});
    job.training.precision = Precision::bf16;
    return job;
  };
  const JobSpec eighth = share("an eighth of 8B", 4096, 1792, 4, 1, 8192);
  const JobSpec whole = share("8B", 4096, 14336, 32, 8, 8192);
  const JobSpec gpt = as_gpt(share("gpt", 2048, 8192, 16, 16, 2048, 2));
  if (effort == CalibrationEffort::quick) return {eighth, whole, gpt};
  return {eighth,
          share("a quarter of 8B", 4096, 3584, 8, 2, 8192),
          share("half of 8B", 4096, 7168, 16, 4, 4096, 2),
          whole,
          share("an eighth of 70B", 8192, 3584, 8, 1, 8192),
          share("half of 70B", 8192, 14336, 32, 4, 4096),
          share("1B", 2048, 5632, 16, 16, 2048, 2),
          share("short", 1024, 2816, 8, 8, 1024),
          gpt};
}

}  // namespace foreshard
