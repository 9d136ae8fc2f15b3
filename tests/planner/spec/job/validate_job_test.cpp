#include "planner/spec/job/validate_job.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// Llama 3 70B on eight nodes of eight H100: tp 8, pp 4, dp 2; 512 sequences of 8,192 tokens.
JobSpec legal_job() {
  JobSpec job;
  job.model.layers = 80;
  job.model.hidden = 8192;
  job.model.ffn_hidden = 28672;
  job.model.heads = 64;
  job.model.kv_heads = 8;
  job.model.head_dim = 128;
  job.model.vocab = 128256;
  job.cluster.accelerator.name = "h100-80gb-sxm";
  for (const DType dtype : {DType::fp32, DType::bf16, DType::fp16, DType::fp8})
    job.cluster.accelerator.gemm[static_cast<std::size_t>(dtype)] = GemmRate{FlopsPerSecond(1e15), 0.7};
  job.cluster.devices_per_node = 8;
  job.cluster.nodes = 8;
  job.parallelism.tp = 8;
  job.parallelism.pp = 4;
  job.parallelism.dp = 2;
  job.parallelism.sequence_parallel = true;
  job.training.sequence_length = 8192;
  job.training.global_batch = 512;
  job.training.micro_batch = 1;
  return job;
}

/// The complaints about the legal job after a change, as "path: message; allowed".
std::vector<std::string> complaints(const std::function<void(JobSpec&)>& change) {
  JobSpec job = legal_job();
  change(job);
  std::vector<std::string> texts;
  for (const Illegality& illegality : find_illegalities(job)) {
    std::string text = illegality.path + ": " + illegality.message;
    if (!illegality.allowed.empty()) text += "; " + illegality.allowed;
    texts.push_back(text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a legal job has no illegalities") {
  CHECK(complaints([](JobSpec&) {}).empty());
}

TEST_CASE("legal variations stay legal") {
  // Uneven stages: 80 layers on 3 stages of tp 8, dp 2 (48 devices).
  CHECK(complaints([](JobSpec& job) {
          job.cluster.nodes = 6;
          job.parallelism.pp = 3;
        }).empty());
  // tp beyond the kv heads and beyond the node: 16 is a multiple of 8.
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.tp = 16;
          job.parallelism.dp = 1;
        }).empty());
  // ZeRO-3 under a pipeline.
  CHECK(complaints([](JobSpec& job) { job.parallelism.zero = 3; }).empty());
  // Sequence parallelism without tensor parallelism does nothing.
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.tp = 1;
          job.parallelism.dp = 16;
        }).empty());
  // A window as long as the sequence is full attention.
  CHECK(complaints([](JobSpec& job) { job.model.window = 8192; }).empty());
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.vp = 2;
          job.training.schedule = ScheduleKind::interleaved;
        }).empty());
  CHECK(complaints([](JobSpec& job) { job.training.schedule = ScheduleKind::gpipe; }).empty());
  CHECK(complaints([](JobSpec& job) { job.training.precision = Precision::fp8; }).empty());
}

TEST_CASE("tp must divide the heads") {
  // Divisors of 64 heads that divide 28,672 = 2^12 · 7 and divide or are a multiple of 8 kv heads: 1, 2, 4,
  // 8, 16, 32, 64; those above 8 leave the node. dp 2 is what 64 / (6 · 4) leaves, so only tp is blamed.
  CHECK(complaints([](JobSpec& job) { job.parallelism.tp = 6; }) ==
        Texts{"parallelism.tp: 6 does not divide the model's 64 heads; allowed here: 1, 2, 4, 8 (16 and more "
              "would leave this node of 8 devices)"});
  // On one node nothing larger is possible, so the message suggests nothing.
  CHECK(complaints([](JobSpec& job) {
          job.cluster.nodes = 1;
          job.parallelism.tp = 3;
          job.parallelism.pp = 1;
        }) == Texts{"parallelism.tp: 3 does not divide the model's 64 heads; allowed here: 1, 2, 4, 8"});
  // With one device per node the message uses the singular.
  CHECK(complaints([](JobSpec& job) {
          job.cluster.nodes = 64;
          job.cluster.devices_per_node = 1;
          job.parallelism.tp = 6;
        }) ==
        Texts{"parallelism.tp: 6 does not divide the model's 64 heads; allowed here: 1 (2 and more would "
              "leave this node of 1 device)"});
}

TEST_CASE("a dp that does not follow from a wrong tp is blamed as well") {
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.tp = 6;
          job.parallelism.dp = 3;
        }).size() == 3);  // tp, the devices, and 512 sequences over 3
}

TEST_CASE("tp and the kv heads divide one another") {
  // 48 heads, 6 kv heads, FFN 49,152: tp 4 divides the heads but neither divides 6 nor is a multiple of it.
  CHECK(complaints([](JobSpec& job) {
          job.model.heads = 48;
          job.model.kv_heads = 6;
          job.model.ffn_hidden = 49152;
          job.parallelism.tp = 4;
          job.parallelism.dp = 4;
        }) == Texts{"parallelism.tp: 4 neither divides nor is a multiple of the model's 6 kv heads; allowed "
                    "here: 1, 2, 3, 6 (12 and more would leave this node of 8 devices)"});
}

TEST_CASE("tp divides the FFN hidden size") {
  // 11,004 = 4 · 2,751: tp 8 does not divide it, nor does anything larger.
  CHECK(
      complaints([](JobSpec& job) { job.model.ffn_hidden = 11004; }) ==
      Texts{"parallelism.tp: 8 does not divide the model's FFN hidden size of 11004; allowed here: 1, 2, 4"});
}

TEST_CASE("the degrees multiply to the devices") {
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.dp = 3;
          job.training.global_batch = 513;
        }) == Texts{"parallelism: tp 8 × pp 4 × cp 1 × dp 3 is 96 devices, the cluster has 64; allowed here: "
                    "dp 2"});
  // 8 · 5 does not divide 64, so no dp helps.
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.pp = 5;
          job.parallelism.dp = 1;
        }) == Texts{"parallelism: tp 8 × pp 5 × cp 1 × dp 1 is 40 devices, the cluster has 64"});
}

TEST_CASE("the batch splits over dp and micro-batches") {
  CHECK(complaints([](JobSpec& job) {
          job.training.global_batch = 510;
          job.training.micro_batch = 2;
        }) ==
        Texts{"training.global_batch: 510 sequences do not split over dp 2 × micro_batch 2; allowed here: "
              "multiples of 4"});
}

TEST_CASE("sequence parallelism splits the tokens of a micro-batch over tp") {
  CHECK(complaints([](JobSpec& job) { job.training.sequence_length = 8190; }) ==
        Texts{"parallelism.sequence_parallel: a micro-batch of 8190 tokens does not split over tp 8"});
  CHECK(complaints([](JobSpec& job) {
          job.training.sequence_length = 8190;
          job.parallelism.sequence_parallel = false;
        }).empty());
}

TEST_CASE("ZeRO has stages 0 to 3") {
  CHECK(complaints([](JobSpec& job) { job.parallelism.zero = 4; }) ==
        Texts{"parallelism.zero: there is no ZeRO stage 4; allowed here: 0, 1, 2, 3"});
}

TEST_CASE("every stage and chunk holds a layer") {
  CHECK(complaints([](JobSpec& job) { job.model.layers = 3; }) ==
        Texts{"parallelism.pp: 4 stages are more than the model's 3 layers; allowed here: at most 3"});
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.vp = 30;
          job.training.schedule = ScheduleKind::interleaved;
        }) ==
        Texts{"parallelism.vp: pp 4 × vp 30 is 120 chunks, the model has 80 layers; allowed here: at most "
              "20"});
}

TEST_CASE("a plan lists at most 100000 layers and 4096 stages") {
  CHECK(complaints([](JobSpec& job) {
          job.model.layers = 100'001;
          job.parallelism.pp = 4097;
        }) == Texts{"model.layers: 100001 layers are more than a plan can list; allowed here: at most 100000",
                    "parallelism.pp: 4097 stages are more than a plan can list; allowed here: at most 4096"});
}

TEST_CASE("listed stages cover the model") {
  const auto listed = [](const std::vector<std::int64_t>& counts, std::int64_t vp = 1) {
    return complaints([&](JobSpec& job) {
      job.parallelism.stage_policy = StagePolicy::listed;
      job.parallelism.stage_layers = counts;
      job.parallelism.vp = vp;
      if (vp > 1) job.training.schedule = ScheduleKind::interleaved;
    });
  };
  CHECK(listed({19, 21, 21, 19}).empty());
  CHECK(listed({20, 20, 20, 20}, 2).empty());                  // per stage
  CHECK(listed({10, 10, 10, 10, 10, 10, 10, 10}, 2).empty());  // per chunk
  CHECK(listed({40, 40}) ==
        Texts{"parallelism.stages: 2 layer counts for 4 stages; allowed here: 4 counts, one "
              "per stage"});
  CHECK(listed({40, 40}, 2) ==
        Texts{"parallelism.stages: 2 layer counts for 4 stages; allowed here: 4 counts, "
              "one per stage or 8, one per chunk"});
  CHECK(listed({20, 20, 20, 19}) ==
        Texts{"parallelism.stages: the counts sum to 79 layers, the model has 80"});
  CHECK(listed({40, 20, 20, 0}).empty());     // a stage may have the head alone
  CHECK(listed({39, 20, 20, 1}, 2).empty());  // and a chunk nothing
}

TEST_CASE("several chunks and the interleaved schedule need each other") {
  CHECK(complaints([](JobSpec& job) { job.parallelism.vp = 2; }) ==
        Texts{"training.schedule: vp 2 needs the interleaved schedule; allowed here: interleaved"});
  CHECK(
      complaints([](JobSpec& job) { job.training.schedule = ScheduleKind::interleaved; }) ==
      Texts{"parallelism.vp: the interleaved schedule needs several chunks per stage; allowed here: at least "
            "2"});
  CHECK(complaints([](JobSpec& job) {
          job.training.schedule = ScheduleKind::interleaved;
          job.parallelism.vp = 2;
          job.parallelism.pp = 1;
          job.parallelism.dp = 8;
        }) ==
        Texts{"parallelism.pp: the interleaved schedule needs several stages; allowed here: at least 2"});
}

TEST_CASE("interleaved runs micro-batches in groups of pp") {
  // 508 / (2 · 2) = 127 micro-batches on 4 stages; whole groups need multiples of 2 · 2 · 4 sequences.
  CHECK(complaints([](JobSpec& job) {
          job.training.schedule = ScheduleKind::interleaved;
          job.parallelism.vp = 2;
          job.training.micro_batch = 2;
          job.training.global_batch = 508;
        }) == Texts{"training.global_batch: 127 micro-batches do not make whole groups of pp 4, as the "
                    "interleaved schedule needs; allowed here: multiples of 16"});
}

TEST_CASE("the model's own sizes fit together") {
  // tp 8 divides 24, so nothing else is wrong.
  CHECK(complaints([](JobSpec& job) { job.model.kv_heads = 24; }) ==
        Texts{"model.kv_heads: 24 does not divide the model's 64 heads"});
  CHECK(complaints([](JobSpec& job) { job.model.head_dim = 127; }) ==
        Texts{"model.head_dim: 127 is odd, rotary positions turn pairs"});
  CHECK(complaints([](JobSpec& job) {
          job.model.positions = Positions::learned;
          job.model.max_positions = 1024;
        }) == Texts{"training.sequence_length: 8192 is more than the 1024 positions that the model learns; "
                    "allowed here: at most 1024"});
  // No table size given: it is as long as the sequence.
  CHECK(complaints([](JobSpec& job) { job.model.positions = Positions::learned; }).empty());
}

TEST_CASE("the accelerator has matrix units for the precision") {
  const auto without = [](std::vector<DType> missing, const char* name, Precision precision) {
    return complaints([&](JobSpec& job) {
      job.cluster.accelerator.name = name;
      for (const DType dtype : missing) job.cluster.accelerator.gemm[static_cast<std::size_t>(dtype)].reset();
      job.training.precision = precision;
    });
  };
  CHECK(without({DType::fp8}, "a100-80gb-sxm", Precision::fp8) ==
        Texts{"training.precision: a100-80gb-sxm has no fp8 matrix units; allowed here: fp32, bf16, fp16"});
  CHECK(without({DType::bf16, DType::fp8}, "v100-32gb-sxm3", Precision::bf16) ==
        Texts{"training.precision: v100-32gb-sxm3 has no bf16 matrix units; allowed here: fp32, fp16"});
  CHECK(without({DType::bf16, DType::fp16, DType::fp8}, "cpu", Precision::bf16) ==
        Texts{"training.precision: cpu has no bf16 matrix units; allowed here: fp32"});
  CHECK(without({DType::bf16, DType::fp16, DType::fp8}, "cpu", Precision::fp32).empty());
}

TEST_CASE("what goes with products of 8 and 4 bits is refused without them") {
  const auto of = [](auto change) {
    return complaints([&](JobSpec& job) {
      job.training.precision = Precision::fp8;
      job.parallelism.zero = 1;
      change(job);
    });
  };
  CHECK(of([](JobSpec& job) {
          job.training.low_precision.parameter_gather = true;
          job.training.fp8_scaling = Fp8Scaling::delayed;
        }).empty());
  CHECK(of([](JobSpec& job) {
          job.training.low_precision.parameter_gather = true;
          job.training.precision = Precision::bf16;
        }) ==
        Texts{"training.fp8_parameter_gather: gathering weights in fp8 is for fp8, mxfp8 and nvfp4, and "
              "the precision is bf16; allowed here: false"});
  CHECK(of([](JobSpec& job) {
          job.training.low_precision.parameter_gather = true;
          job.parallelism.zero = 0;
        }) ==
        Texts{"training.fp8_parameter_gather: without ZeRO no weights are gathered, and no fp32 masters "
              "of a share are kept; allowed here: false, or parallelism.zero: 1, 2 or 3"});
  CHECK(of([](JobSpec& job) {
          job.training.low_precision.attention = AttentionPrecision::fp8;
          job.training.attention = AttentionKind::unfused;
        }) == Texts{"training.attention_precision: only flash attention has fp8 kernels, and attention is "
                    "unfused; allowed here: bf16, or attention: flash"});
  CHECK(of([](JobSpec& job) {
          job.training.low_precision.bf16_first = job.model.layers - 1;
          job.training.low_precision.bf16_last = 1;
        }).size() == 1);
}

TEST_CASE("what this version does not plan is said plainly") {
  CHECK(complaints([](JobSpec& job) { job.model.qk_norm = job.model.qk_norm_whole = true; }) ==
        Texts{"parallelism.tp: norms over the whole query and key projection are not cut over tp by this "
              "version; allowed here: 1"});
}

TEST_CASE("the zero-bubble schedule needs several stages of one chunk, and whole gradients on every rank") {
  const auto zero_bubble = [](JobSpec& job) {
    job.training.schedule = ScheduleKind::zero_bubble;
    job.parallelism.zero = 1;
  };
  CHECK(complaints(zero_bubble).empty());
  CHECK(complaints([&](JobSpec& job) {
          zero_bubble(job);
          job.parallelism.dp *= job.parallelism.pp;
          job.parallelism.pp = 1;
        }) ==
        Texts{"parallelism.pp: the zero-bubble schedule needs several stages; allowed here: at least 2"});
  CHECK(complaints([&](JobSpec& job) {
          zero_bubble(job);
          job.parallelism.vp = 2;
        }) ==
        Texts{"parallelism.vp: the zero-bubble schedule runs one chunk per stage; allowed here: 1, or the "
              "interleaved schedule"});
  CHECK(complaints([&](JobSpec& job) {
          zero_bubble(job);
          job.parallelism.zero = 2;
        }) == Texts{"parallelism.zero: ZeRO-2 with the zero-bubble schedule is not planned by this version; "
                    "allowed here: 0, 1"});
}

TEST_CASE("schedules in a V need two chunks per stage, and DualPipeV two micro-batches for each stage") {
  const auto in_v = [](JobSpec& job) {
    job.training.schedule = ScheduleKind::dualpipe_v;
    job.parallelism.vp = 2;
    job.parallelism.zero = 1;
    job.training.global_batch = 2 * job.parallelism.pp * job.parallelism.dp * job.training.micro_batch;
  };
  CHECK(complaints(in_v).empty());
  CHECK(complaints([&](JobSpec& job) {
          in_v(job);
          job.parallelism.vp = 1;
        }) == Texts{"parallelism.vp: the dualpipe-v schedule runs two chunks per stage; allowed here: 2"});
  CHECK(complaints([&](JobSpec& job) {
          in_v(job);
          job.training.schedule = ScheduleKind::zb_v;
          job.training.global_batch /= 2;
        }).empty());
  // pp 4, dp 2: 8 sequences are 4 micro-batches, 16 are the 8 that are needed.
  CHECK(complaints([&](JobSpec& job) {
          in_v(job);
          job.training.global_batch = 8;
        }) ==
        Texts{"training.global_batch: dualpipe-v needs two micro-batches for each of pp 4, and there are 4; "
              "allowed here: at least 16"});
}

TEST_CASE("an optimizer that validates afterwards has stages to wait for") {
  const auto validates = [](JobSpec& job) {
    job.training.schedule = ScheduleKind::zero_bubble_2p;
    job.training.optimizer_post_validation = true;
    job.parallelism.zero = 1;
  };
  CHECK(complaints(validates).empty());
  CHECK(complaints([&](JobSpec& job) {
          validates(job);
          job.training.schedule = ScheduleKind::one_f_one_b;
          job.parallelism.dp *= job.parallelism.pp;
          job.parallelism.pp = 1;
        }) ==
        Texts{"training.optimizer_post_validation: one stage does not wait for the gradient norm of others; "
              "allowed here: false"});
}

TEST_CASE("context parallelism needs flash attention and whole pieces") {
  const auto with_cp = [](JobSpec& job) {
    job.parallelism.cp = 2;
    job.parallelism.dp = 1;
  };
  CHECK(complaints(with_cp).empty());
  CHECK(complaints([&](JobSpec& job) {
          with_cp(job);
          job.training.attention = AttentionKind::unfused;
        }) == Texts{"training.attention: cp 2 needs flash attention; allowed here: flash"});
  CHECK(complaints([&](JobSpec& job) {
          with_cp(job);
          job.training.sequence_length = 8191;
          job.parallelism.sequence_parallel = false;
        }) == Texts{"parallelism.cp: 2 does not divide sequences of 8191 tokens"});
  // 64 heads are 4 for each of 8 × 2 ranks, 8 kv heads are not one each.
  CHECK(complaints([&](JobSpec& job) {
          with_cp(job);
          job.parallelism.cp_style = CpStyle::ulysses;
        }) ==
        Texts{"parallelism.cp: ulysses gives each of tp 8 × cp 2 ranks whole heads, and the model has 8 kv "
              "heads; allowed here: another degree, or cp_style ring or all-gather"});
}

TEST_CASE(
    "DeepSeek-V3 in 16 stages with a global batch of 4096 is countable, however its layers are placed") {
  // 61 layers on 16 to 2,048 devices. 4096 · 4096 tokens · 37e9 active parameters · 6 / 16 stages = 2.3e17 FLOPs
  // on a rank with dp 1, which 63 bits hold.
  for (const StagePolicy policy : {StagePolicy::even, StagePolicy::by_cost, StagePolicy::listed})
    for (const std::int64_t dp : {1, 128}) {
      CAPTURE(static_cast<int>(policy), dp);
      CHECK(complaints([&](JobSpec& job) {
              job.model = {};
              job.model.layers = 61;
              job.model.hidden = 7168;
              job.model.ffn_hidden = 18432;
              job.model.heads = job.model.kv_heads = 128;
              job.model.head_dim = 192;
              job.model.mla = MlaSpec{1536, 512, 128, 64, 128};
              job.model.vocab = 129280;
              job.model.experts =
                  ExpertsSpec{.count = 256, .per_token = 8, .hidden = 2048, .shared_hidden = 2048};
              job.model.experts->dense_layers = 3;
              job.cluster.nodes = 2 * dp;
              job.parallelism = {};
              job.parallelism.pp = 16;
              job.parallelism.dp = dp;
              job.parallelism.stage_policy = policy;
              if (policy == StagePolicy::listed) {
                job.parallelism.stage_layers.assign(16, 4);
                job.parallelism.stage_layers.back() = 1;
              }
              job.training.sequence_length = 4096;
              job.training.global_batch = 4096;
            }).empty());
    }
}

TEST_CASE("a window is legal whatever its size") {
  CHECK(complaints([](JobSpec& job) { job.model.window = 4096; }).empty());
}

TEST_CASE("experts are cut over ep and tp where that leaves whole pieces") {
  const auto with_experts = [](JobSpec& job) {
    job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 14336};
  };
  const auto complaints_of = [&](const std::function<void(JobSpec&)>& change) {
    return complaints([&](JobSpec& job) {
      with_experts(job);
      change(job);
    });
  };
  CHECK(complaints_of([](JobSpec&) {}).empty());
  CHECK(complaints_of([](JobSpec& job) { job.parallelism.ep = 2; }).empty());
  CHECK(complaints([](JobSpec& job) { job.parallelism.ep = 4; }) ==
        Texts{"parallelism.ep: 4 needs a model with experts; allowed here: 1"});
  CHECK(complaints_of([](JobSpec& job) { job.parallelism.ep = 3; }) ==
        Texts{"parallelism.ep: 3 does not divide tp × cp × dp = 16; allowed here: 1, 2, 4, 8",
              "parallelism.ep: 3 does not divide the model's 8 experts"});
  // dp 2: without etp, experts on 4 ranks are not cut over tp 8. Megatron-LM would cut them.
  CHECK(complaints_of([](JobSpec& job) { job.parallelism.ep = 4; }).empty());
  CHECK(complaints_of([](JobSpec& job) {
          job.parallelism.ep = 4;
          job.framework = Framework::megatron;
        }) ==
        Texts{"parallelism.ep: megatron cuts experts over tp 8 unless etp is said, and 4 does not divide "
              "dp × cp = 2; allowed here: 1, 2; or say parallelism.etp: 1"});
  CHECK(complaints_of([](JobSpec& job) {
          job.parallelism.ep = 4;
          job.parallelism.etp = 8;
        }) ==
        Texts{"parallelism.etp: etp 8 × ep 4 does not divide tp × cp × dp = 16; allowed here: 1, 2, 4"});
  CHECK(complaints([](JobSpec& job) { job.parallelism.etp = 2; }) ==
        Texts{"parallelism.etp: 2 needs a model with experts; allowed here: leave it out"});
  CHECK(
      complaints_of([](JobSpec& job) { job.parallelism.sequence_parallel = false; }) ==
      Texts{
          "parallelism.sequence_parallel: experts on tp 8 need sequence parallelism; allowed here: true, or "
          "tp 1"});
  CHECK(complaints_of([](JobSpec& job) { job.model.experts->hidden = 1000; }).empty());
  CHECK(complaints_of([](JobSpec& job) { job.model.experts->hidden = 1004; }) ==
        Texts{"parallelism.tp: 8 does not divide the model's 1004 elements of an expert's hidden size"});
  CHECK(complaints_of([](JobSpec& job) { job.model.experts->per_token = 9; }) ==
        Texts{"model.experts.per_token: a token cannot go to 9 of 8 experts; allowed here: 1 to 8"});
  CHECK(complaints_of([](JobSpec& job) { job.model.experts->imbalance = 0.5; }) ==
        Texts{"model.experts.imbalance: 0.5: the busiest rank cannot have less than the mean; allowed here: "
              "1 and "
              "more"});
  // Two of eight experts per token over ep 2: at most all rows come to one rank, twice the mean.
  const auto uneven = [&](std::int64_t ep, double imbalance) {
    return complaints_of([&](JobSpec& job) {
      job.parallelism.ep = ep;
      job.model.experts->imbalance = imbalance;
    });
  };
  CHECK(uneven(2, 2.0).empty());
  CHECK(uneven(1, 7.0).empty());
  CHECK(uneven(2, 2.5) ==
        Texts{"model.experts.imbalance: 2.5: with ep 2, 8 experts and 2 of them per token, the "
              "busiest rank has at most 2 times the mean; allowed here: 1 to 2"});
}

TEST_CASE("latent attention is planned with flash attention") {
  const auto with_latents = [](JobSpec& job) {
    job.model.mla =
        MlaSpec{.q_rank = 1536, .kv_rank = 512, .nope_head_dim = 64, .rope_head_dim = 64, .v_head_dim = 128};
    job.model.kv_heads = 64;
  };
  CHECK(complaints(with_latents).empty());
  CHECK(complaints([&](JobSpec& job) {
          with_latents(job);
          job.training.attention = AttentionKind::unfused;
        }) ==
        Texts{"training.attention: latent attention is planned with flash attention only by this version; "
              "allowed here: flash"});
}

TEST_CASE("low-rank adapters have a rank and stand beside something") {
  const auto with = [](const LoraSpec& lora) { return complaints([&](JobSpec& job) { job.lora = lora; }); };
  CHECK(with({.rank = 16, .attention = true, .ffn = true}).empty());
  CHECK(with({.rank = 0, .attention = true}) == Texts{"lora.rank: 0 is no rank; allowed here: 1 and more"});
  CHECK(with({.rank = 16}) == Texts{"lora.targets: adapters must stand beside something; allowed here: "
                                    "attention, ffn, q, k, v, o, gate, "
                                    "up, down, experts, head"});
  CHECK(complaints([](JobSpec& job) {
          job.lora = LoraSpec{.rank = 16, .attention = true, .ffn = true};
          job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 14336};
        }) == Texts{"lora.targets: ffn has one adapter for gate and up, and experts have none so; allowed "
                    "here: attention, "
                    "experts; of dense layers and shared experts gate, up, down"});
}

TEST_CASE("adapters of single projections stand beside projections that there are, each once") {
  const auto with = [](std::vector<LoraTarget> modules, bool attention = false) {
    return complaints([&](JobSpec& job) {
      job.lora = LoraSpec{.rank = 16, .attention = attention, .modules = std::move(modules)};
    });
  };
  CHECK(with({LoraTarget::q, LoraTarget::v, LoraTarget::down, LoraTarget::head}).empty());
  CHECK(with({LoraTarget::q}, true) == Texts{"lora.targets: attention has adapters on all its projections, q "
                                             "among them; allowed here: attention, or "
                                             "q and others of q, k, v, o"});
  CHECK(with({LoraTarget::experts}) ==
        Texts{"lora.targets: the model has no experts; allowed here: gate, up, down"});
}

TEST_CASE("shards over a part of the replicas divide them") {
  const auto with = [](std::int64_t dp_shard, int zero) {
    return complaints([&](JobSpec& job) {
      job.parallelism.dp_shard = dp_shard;
      job.parallelism.zero = zero;
    });
  };
  CHECK(with(1, 3).empty());
  CHECK(with(3, 3).size() == 1);
}

TEST_CASE("sizes below one are refused before anything divides by them") {
  CHECK(complaints([](JobSpec& job) {
          job.parallelism.dp = 0;
          job.training.micro_batch = -1;
        }) == Texts{"parallelism.dp: must be at least 1, is 0; allowed here: 1 and more",
                    "training.micro_batch: must be at least 1, is -1; allowed here: 1 and more"});
}

TEST_CASE("every independent problem is named at once") {
  const Texts texts = complaints([](JobSpec& job) {
    job.parallelism.tp = 6;
    job.parallelism.zero = 7;
    job.lora = LoraSpec{};
    job.training.precision = Precision::fp8;
    job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::fp8)].reset();
  });
  CHECK(texts.size() == 5);
}

TEST_CASE("absurd sizes are illegal, not an exception") {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const auto refused_at = [](const std::string& path, const std::function<void(JobSpec&)>& change) {
    const Texts texts = complaints(change);
    CAPTURE(path, texts);
    CHECK(std::any_of(texts.begin(), texts.end(),
                      [&](const std::string& text) { return text.rfind(path + ": ", 0) == 0; }));
  };
  refused_at("parallelism", [&](JobSpec& job) { job.parallelism.dp = kHuge; });
  refused_at("parallelism", [&](JobSpec& job) { job.cluster.nodes = kHuge; });
  refused_at("cluster.nodes", [](JobSpec& job) { job.cluster.nodes = 1'000'000'000; });
  refused_at("training.global_batch", [&](JobSpec& job) { job.training.micro_batch = kHuge; });
  refused_at("parallelism.sequence_parallel", [&](JobSpec& job) {
    job.training.micro_batch = kHuge;
    job.training.sequence_length = kHuge;
  });
  refused_at("model.layers", [](JobSpec& job) { job.model.layers = 1'000'000; });
  refused_at("model", [](JobSpec& job) { job.model.hidden = 1'000'000'000'000; });
  refused_at("model", [&](JobSpec& job) { job.model.vocab = kHuge; });
  refused_at("training.micro_batch", [](JobSpec& job) {
    job.training.micro_batch = 1'000'000'000;
    job.training.global_batch = 2'000'000'000;
  });
  refused_at("training.global_batch", [](JobSpec& job) { job.training.global_batch = 2'000'000'000'000; });
  // 2·10^6 sequences in a million micro-batches of one rank: the count can be listed, their FLOPs not summed.
  // 6 · 10^6 · 10^6 tokens · 20 layers · (1.7·10^9 + 4·10^6·8192) FLOPs / 8 is about 5·10^23 > 2^63.
  refused_at("training.global_batch", [](JobSpec& job) {
    job.training.global_batch = 2'000'000;
    job.training.sequence_length = 1'000'000;
  });
}
