#include "planner/spec/job/read_job.hpp"

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr const char* kStart = "model: llama3-8b\ncluster: {name: dgx-h100, nodes: 2}\n";
constexpr const char* kTraining = "training: {sequence_length: 8192, global_batch: 64, micro_batch: 1}\n";

JobSpec job_of(const std::string& text) { return parse_jobs(text, "dir/test.yaml").front(); }

/// A job with more keys of `training`.
JobSpec trained(const std::string& keys, const std::string& more = {}) {
  return job_of(kStart + more + "training: {sequence_length: 8192, global_batch: 64, micro_batch: 1, " +
                keys + "}\n");
}

}  // namespace

TEST_CASE("what a job leaves unsaid") {
  const JobSpec job = job_of(std::string(kStart) + kTraining);
  CHECK(job.name == "test");
  CHECK(job.framework == Framework::foreshard);
  CHECK(job.parallelism.tp == 1);
  CHECK(job.parallelism.dp == 16);
  CHECK_FALSE(job.parallelism.sequence_parallel);
  CHECK(job.parallelism.zero == 0);
  CHECK(job.parallelism.stage_policy == StagePolicy::even);
  CHECK(job.training.precision == Precision::bf16);
  CHECK(job.training.attention == AttentionKind::flash);
  CHECK_FALSE(job.training.flash.has_value());
  CHECK(job.training.recompute == Recompute::none);
  CHECK(job.training.schedule == ScheduleKind::one_f_one_b);
  CHECK(job.training.optimizer == OptimizerKind::adamw);
  CHECK(job.training.launch == Launch::async);
  CHECK_FALSE(job.training.tokens.has_value());
  CHECK_FALSE(job.measured.has_value());
  const FrameworkConventions usual = framework_conventions(Framework::foreshard);
  CHECK(job.training.gradient_dtype == usual.gradient_dtype);
  CHECK(job.training.compiled == usual.compiled);
  CHECK(job.training.overlap.tp == usual.overlap.tp);
  CHECK(job.training.overlap.dp == usual.overlap.dp);
}

TEST_CASE("defaults that follow from other keys") {
  const JobSpec job =
      job_of(std::string(kStart) + "parallelism: {tp: 2, pp: 2, vp: 2, dp: auto}\n" + kTraining);
  CHECK(job.parallelism.dp == 4);  // 16 / (2 · 2)
  CHECK(job.parallelism.sequence_parallel);
  CHECK(job.training.schedule == ScheduleKind::interleaved);
  CHECK(trained("precision: fp32").training.gradient_dtype == DType::fp32);
}

TEST_CASE("the framework's conventions fill what the job does not say") {
  for (const Named<Framework>& named : kWords<Framework>) {
    INFO(named.word);
    const FrameworkConventions usual = framework_conventions(named.value);
    const std::string framework = "framework: " + std::string(named.word) + "\n";
    const JobSpec job = trained("optimizer: adam", framework);
    CHECK(job.framework == named.value);
    CHECK(job.training.gradient_dtype == usual.gradient_dtype);
    CHECK(job.training.compiled == usual.compiled);
    CHECK_FALSE(job.training.dropout);  // Llama has no LayerNorm
    CHECK(job.training.overlap.pp == usual.overlap.pp);
    // One key of overlap leaves the others alone.
    const JobSpec changed =
        trained(usual.overlap.dp ? "overlap: {dp: false}" : "overlap: {dp: true}", framework);
    CHECK(changed.training.overlap.dp != usual.overlap.dp);
    CHECK(changed.training.overlap.tp == usual.overlap.tp);
    CHECK(changed.training.overlap.pp == usual.overlap.pp);
  }
}

TEST_CASE("a ring of context-parallel ranks overlaps, and nothing does on a CPU") {
  CHECK(trained("optimizer: adam", "parallelism: {cp_style: ring}\n").training.overlap.cp);
  CHECK_FALSE(trained("optimizer: adam", "parallelism: {cp_style: ulysses}\n").training.overlap.cp);
  const std::string cpu = "model: llama3-8b\ncluster: {accelerator: cpu, devices_per_node: 2}\n";
  const std::string fp32 = "training: {sequence_length: 8, global_batch: 2, micro_batch: 1, precision: fp32";
  const OverlapSpec unsaid = job_of(cpu + fp32 + "}\n").training.overlap;
  CHECK(unsaid.tp == TpOverlap::none);
  CHECK_FALSE((unsaid.dp || unsaid.pp || unsaid.cp));
  CHECK(unsaid.ep == EpOverlap::none);
  const OverlapSpec said = job_of(cpu + fp32 + ", overlap: {dp: true}}\n").training.overlap;
  CHECK(said.dp);
  CHECK_FALSE(said.pp);
}

TEST_CASE("dropout comes with the framework for LayerNorm models only") {
  const std::string gpt =
      "model: {layers: 2, hidden: 64, ffn_hidden: 256, heads: 4, vocab: 100, norm: layernorm}\n"
      "cluster: {accelerator: a100-80gb-sxm, devices_per_node: 1}\nframework: ";
  for (const Named<Framework>& named : kWords<Framework>) {
    const JobSpec job = job_of(gpt + std::string(named.word) + "\n" + kTraining);
    CHECK(job.training.dropout == framework_conventions(named.value).dropout);
  }
  const JobSpec told = job_of(gpt +
                              "foreshard\ntraining: {sequence_length: 8, global_batch: 1, micro_batch: 1, "
                              "dropout: true}\n");
  CHECK(told.training.dropout);
}

TEST_CASE("what a job says about products of 8 and 4 bits is read") {
  const TrainingSpec training = trained(
                                    "precision: fp8, fp8_scaling: block, fp8_parameter_gather: true,"
                                    " attention_precision: fp8, bf16_layers: {first: 1, last: 2}",
                                    "parallelism: {zero: 1}\n")
                                    .training;
  CHECK(training.precision == Precision::fp8);
  CHECK(training.fp8_scaling == Fp8Scaling::block);
  CHECK(training.low_precision ==
        LowPrecisionSpec{
            .parameter_gather = true, .attention = AttentionPrecision::fp8, .bf16_first = 1, .bf16_last = 2});
  CHECK(trained("precision: tf32").training.low_precision == LowPrecisionSpec{});
}

TEST_CASE("a framework may say its release") {
  const JobSpec plain = trained("optimizer: adam", "framework: {name: megatron}\n");
  CHECK(plain.framework == Framework::megatron);
  CHECK_FALSE(plain.release.has_value());
  const JobSpec early = trained("optimizer: adam", "framework: {name: megatron, release: 2024.09}\n");
  CHECK(early.release == Release{2024, 9});
  CHECK(early.conventions().host.linear > plain.conventions().host.linear);
}

TEST_CASE("every key of training is read") {
  const JobSpec job = trained(
      "precision: fp8, attention: unfused, flash: cudnn, compiled: false, dropout: true, gradient_dtype: "
      "bf16,"
      " fp8_scaling: rowwise, launch: blocking, graphs: layer, recompute: selective-ops, schedule: gpipe,"
      " overlap: {tp: full, dp: true, pp: true, cp: true, ep: true}, optimizer: sgd, tokens: 15T");
  const TrainingSpec& training = job.training;
  CHECK(training.sequence_length == 8192);
  CHECK(training.global_batch == 64);
  CHECK(training.micro_batch == 1);
  CHECK(training.precision == Precision::fp8);
  CHECK(training.attention == AttentionKind::unfused);
  CHECK(training.flash == FlashVersion::cudnn);
  CHECK_FALSE(training.compiled);
  CHECK(training.dropout);
  CHECK(training.gradient_dtype == DType::bf16);
  CHECK(training.fp8_scaling == Fp8Scaling::rowwise);
  CHECK(training.launch == Launch::blocking);
  CHECK(training.graphs == Graphs::layer);
  CHECK(training.recompute == Recompute::selective_ops);
  CHECK(training.schedule == ScheduleKind::gpipe);
  CHECK(training.overlap.tp == TpOverlap::full);
  CHECK((training.overlap.dp && training.overlap.pp && training.overlap.cp));
  CHECK(training.overlap.ep == EpOverlap::pipelined);
  CHECK(training.optimizer == OptimizerKind::sgd);
  CHECK(training.tokens == Tokens(15'000'000'000'000));
}

TEST_CASE("every key of parallelism and measured is read") {
  const JobSpec job =
      job_of(std::string(kStart) +
             "parallelism: {tp: 2, pp: 4, dp: 2, sequence_parallel: false, zero: 1, cp_style: all-gather,"
             " stages: [8, 8, 8, 8]}\n" +
             kTraining +
             "measured: {step_time: 18.5 s, peak_memory: 2 GiB, memory_kind: reserved, source: a paper,"
             " derived: from tokens, assumed: network}\n");
  CHECK(job.parallelism.dp == 2);
  CHECK_FALSE(job.parallelism.sequence_parallel);
  CHECK(job.parallelism.zero == 1);
  CHECK(job.parallelism.cp_style == CpStyle::all_gather);
  CHECK(job.parallelism.stage_policy == StagePolicy::listed);
  CHECK(job.parallelism.stage_layers == std::vector<std::int64_t>{8, 8, 8, 8});
  REQUIRE(job.measured.has_value());
  CHECK(job.measured->step_time == Seconds(18.5));
  CHECK(job.measured->peak_memory == Bytes(2LL << 30));
  CHECK(job.measured->memory_kind == MemoryKind::reserved);
  CHECK(job.measured->source == "a paper");
  CHECK(job.measured->derived == "from tokens");
  CHECK(job.measured->assumed == "network");
}

TEST_CASE("a file may hold several jobs, and empty documents hold none") {
  const std::string one = std::string(kStart) + kTraining;
  const std::vector<JobSpec> jobs =
      parse_jobs("---\n" + one + "---\nname: second\n" + one + "---\n", "many.yaml");
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].name == "many-1");
  CHECK(jobs[1].name == "second");
}

TEST_CASE("anchors and aliases share parts of a document") {
  const JobSpec job = job_of(
      "model: &m {layers: &n 2, hidden: 64, ffn_hidden: 256, heads: *n, vocab: 100}\ncluster: dgx-h100\n"
      "training: {sequence_length: 64, global_batch: 8, micro_batch: 1}\n");
  CHECK(job.model.heads == 2);
}

TEST_CASE("Windows line ends and a byte-order mark are no part of the text") {
  const JobSpec job = job_of(
      "\xEF\xBB\xBFmodel: llama3-8b\r\ncluster: dgx-h100\r\n"
      "training: {sequence_length: 8192, global_batch: 64, micro_batch: 1}\r\n");
  CHECK(job.model.name == load_model("llama3-8b").name);
}

TEST_CASE("low-rank adapters are read") {
  CHECK_FALSE(job_of(std::string(kStart) + kTraining).lora.has_value());
  const JobSpec job = job_of(std::string(kStart) + "lora: {rank: 16, targets: [ffn]}\n" + kTraining);
  REQUIRE(job.lora.has_value());
  CHECK(job.lora->rank == 16);
  CHECK_FALSE(job.lora->attention);
  CHECK(job.lora->ffn);
}

TEST_CASE("failures are read with their units, and the interval and the repair may stay unsaid") {
  const FailureSpec said =
      *trained(
           "tokens: 15T, failures: {mtbf_per_device: 50000 h, checkpoint_write: 1 min, restart: 10 min, "
           "checkpoint_interval: 30 min, repair: 1 d}")
           .training.failures;
  CHECK(said.mtbf_per_device == Seconds(50000.0 * 3600.0));
  CHECK(said.checkpoint_write == Seconds(60.0));
  CHECK(said.restart == Seconds(600.0));
  CHECK(said.checkpoint_interval == Seconds(1800.0));
  CHECK(said.repair == Seconds(86400.0));
  const FailureSpec less =
      *trained("samples: 640, failures: {mtbf_per_device: 1 h, checkpoint_write: 1 s, restart: 0 s}")
           .training.failures;
  CHECK_FALSE(less.checkpoint_interval.has_value());
  CHECK_FALSE(less.repair.has_value());
  CHECK_FALSE(trained("precision: bf16").training.failures.has_value());
}

TEST_CASE("the length of a training is said in tokens, or in samples and epochs") {
  // 64 sequences of 8,192 tokens a step.
  CHECK_FALSE(trained("optimizer: adam").training.steps().has_value());
  CHECK(*trained("tokens: 1048576 tokens").training.steps() == 2.0);
  CHECK(*trained("tokens: 786432 tokens").training.steps() == 1.5);
  const DatasetSpec once = *trained("samples: 6400").training.dataset;
  CHECK(once == DatasetSpec{.epochs = 1.0, .samples = 6400});
  struct Case {
    const char* keys;
    double steps;
  };
  for (const Case& each : {Case{"samples: 6400", 100.0},
                           {"samples: 6400, epochs: 3", 300.0},
                           {"samples: 6401, epochs: 3", 301.0},  // 300.05
                           {"samples: 640, epochs: 1.1", 11.0},  // 704.0000000000001 / 64
                           {"samples: 1, epochs: 0.5", 1.0}}) {
    INFO(each.keys);
    CHECK(*trained(each.keys).training.steps() == each.steps);
  }
}

TEST_CASE("the flash attention that a framework brings is not asked for where attention is unfused") {
  const std::string framework = "framework: torch-fsdp\n";
  CHECK(trained("optimizer: adam", framework).training.flash == FlashVersion::fa2);
  CHECK_FALSE(trained("attention: unfused", framework).training.flash.has_value());
}
