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

/// GPT's kinds of kernels where Llama has others.
JobSpec as_gpt(JobSpec job) {
  job.model.ffn = FfnKind::gelu;
  job.model.norm = NormKind::layernorm;
  job.model.biases = Biases::all;
  job.model.positions = Positions::learned;
  return job;
}

}  // namespace

std::vector<JobSpec> kernel_probes(CalibrationEffort effort) {
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
          // A tensor-parallel rank's share of a model: long rows, few heads, a narrow feed-forward network.
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

}  // namespace foreshard
