// Exact parameter counts of known models, for every sharding; GPT's are compared with closed formulas.
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// A published architecture, and its parameter count computed by integer arithmetic.
struct Known {
  std::string name;
  std::int64_t layers, hidden, ffn, heads, kv_heads, vocab;
  std::int64_t total;
};

// LLaMA: Touvron et al. 2023, arXiv:2302.13971; ffn = 2/3·4·hidden rounded up to a multiple of 256.
// Llama 3: arXiv:2407.21783, table 3. Mistral 7B: arXiv:2310.06825.
const std::vector<Known> kKnown{
    {"llama-7b", 32, 4096, 11008, 32, 32, 32000, 6'738'415'616},
    {"llama-13b", 40, 5120, 13824, 40, 40, 32000, 13'015'864'320},
    {"llama-33b", 60, 6656, 17920, 52, 52, 32000, 32'528'943'616},
    {"llama-65b", 80, 8192, 22016, 64, 64, 32000, 65'285'660'672},
    {"llama3-8b", 32, 4096, 14336, 32, 8, 128256, 8'030'261'248},
    {"llama3-70b", 80, 8192, 28672, 64, 8, 128256, 70'553'706'496},
    {"llama3.1-405b", 126, 16384, 53248, 128, 8, 128256, 405'853'388'800},
    {"mistral-7b", 32, 4096, 14336, 32, 8, 32000, 7'241'732'096},
};

JobSpec job_of(const Known& known) {
  return llama_job(
      llama_shaped(known.layers, known.hidden, known.ffn, known.heads, known.kv_heads, known.vocab),
      {.sequence = 2048, .micro_batch = 1, .global_batch = 16});
}

const Known& known(const std::string& name) {
  for (const Known& candidate : kKnown) {
    if (candidate.name == name) return candidate;
  }
  throw std::logic_error("no model " + name);
}

}  // namespace

TEST_CASE("parameters: totals of known models, whatever the sharding") {
  for (const Known& model : kKnown) {
    for (const Degrees& degrees : {Degrees{}, Degrees{.tp = 2, .pp = 2, .dp = 2, .zero = 1},
                                   Degrees{.tp = 4, .dp = 3, .sequence_parallel = true, .zero = 2},
                                   Degrees{.tp = 4, .pp = 3, .dp = 4, .zero = 3}}) {
      INFO(model.name << " tp " << degrees.tp);
      JobSpec job = job_of(model);
      job.training.global_batch = 16 * degrees.dp;
      CHECK(estimate(sharded(job, degrees)).parameters.total == Parameters(model.total));
    }
    if (model.heads % 8 != 0) continue;
    CHECK(estimate(sharded(job_of(model), {.tp = 8, .pp = 4, .dp = 2, .zero = 1})).parameters.total ==
          Parameters(model.total));
  }
}

TEST_CASE("parameters: by component, Llama 3 70B") {
  // q and output 8192 × 64·128 each, k and v 8192 × 8·128 each; three matrices of 8192 × 28672.
  constexpr std::int64_t kAttention = 2 * 67'108'864 + 2 * 8'388'608;
  constexpr std::int64_t kFfn = 3 * 8192 * std::int64_t{28672};
  STATIC_REQUIRE(kAttention == 150'994'944);
  STATIC_REQUIRE(kFfn == 704'643'072);
  const Estimate found =
      estimate(sharded(job_of(known("llama3-70b")), {.tp = 8, .pp = 4, .dp = 2, .zero = 3}));
  CHECK(found.attention.parameters == Parameters(kAttention));
  CHECK(found.ffn.parameters == Parameters(kFfn));
  CHECK(found.parameters.attention == Parameters(12'079'595'520));
  CHECK(found.parameters.ffn == Parameters(56'371'445'760));
  CHECK(found.parameters.embedding == Parameters(2'101'346'304));  // 128256 × 8192, twice
  CHECK(found.parameters.norm == Parameters((2 * 80 + 1) * 8192));
  CHECK(found.parameters.router == Parameters(0));
  CHECK(found.parameters.active == found.parameters.total);
}

TEST_CASE("parameters: by component, LLaMA 7B, Llama 3 8B and Mistral 7B") {
  const Estimate llama = estimate(job_of(known("llama-7b")));
  CHECK(llama.attention.parameters == Parameters(67'108'864));
  CHECK(llama.ffn.parameters == Parameters(135'266'304));
  CHECK(llama.parameters.attention + llama.parameters.ffn == Parameters(6'476'005'376));
  for (const char* name : {"llama3-8b", "mistral-7b"}) {
    INFO(name);
    const Estimate found = estimate(job_of(known(name)));
    CHECK(found.attention.parameters == Parameters(41'943'040));
    CHECK(found.ffn.parameters == Parameters(176'160'768));
    CHECK(found.parameters.attention == Parameters(1'342'177'280));
    CHECK(found.parameters.ffn == Parameters(5'637'144'576));
  }
}

TEST_CASE("parameters: kv heads that stand on several ranks count once") {
  // 8 kv heads on 16 ranks
  CHECK(estimate(sharded(job_of(known("llama3-8b")), {.tp = 16})).parameters.total ==
        Parameters(8'030'261'248));
}

TEST_CASE("parameters: GPT with biases, learned positions and a tied table") {
  // Per layer: qkv 3h² + 3h, output h² + h, FFN 8h² + 5h, two layernorms 4h: 12h² + 13h. Then the final
  // layernorm, and (V + positions) rows of h. Source of the sizes: Radford et al. 2019; Brown et al. 2020,
  // arXiv:2005.14165, table 2.1 (175B).
  struct Gpt {
    std::int64_t layers, hidden, heads, vocab, positions;
    std::int64_t total;
  };
  for (const Gpt& gpt : {Gpt{48, 1600, 25, 50257, 1024, 1'557'611'200}, Gpt{96, 12288, 96, 50257, 2048, 0}}) {
    const std::int64_t h = gpt.hidden;
    const std::int64_t expected =
        gpt.layers * (12 * h * h + 13 * h) + 2 * h + (gpt.vocab + gpt.positions) * h;
    if (gpt.total > 0) REQUIRE(expected == gpt.total);
    ModelSpec model = gpt_shaped(gpt.layers, h, gpt.heads, gpt.vocab);
    model.max_positions = gpt.positions;
    const JobSpec job = gpt_job(model, {.sequence = 1024, .micro_batch = 1, .global_batch = 16});
    CHECK(estimate(job).parameters.total == Parameters(expected));
    CHECK(estimate(sharded(job, {.tp = gpt.heads == 25 ? 5 : 8, .pp = 4, .dp = 2, .zero = 3}))
              .parameters.total == Parameters(expected));
  }
}

TEST_CASE("parameters: every choice of biases, norms, positions and ties") {
  // L 3, D 64, F 160, A 8, G 4, d 8, V 100
  ModelSpec base = llama_shaped(3, 64, 160, 8, 4, 100);
  const auto total = [](const ModelSpec& model) {
    const JobSpec job = llama_job(model, {.sequence = 16, .micro_batch = 1, .global_batch = 4});
    return estimate(sharded(job, {.tp = 4, .pp = 3, .dp = 2, .zero = 1})).parameters.total.value();
  };
  const std::int64_t matrices = 2 * 64 * 8 * (8 + 4) + 3 * 64 * 160;
  const std::int64_t plain = 3 * (matrices + 2 * 64) + 64 + 2 * 100 * 64;
  CHECK(total(base) == plain);

  ModelSpec model = base;
  model.tied_embeddings = true;
  CHECK(total(model) == plain - 100 * 64);
  model = base;
  model.biases = Biases::qkv;
  CHECK(total(model) == plain + 3 * (8 + 2 * 4) * 8);
  model.biases = Biases::all;  // and output D, gate and up 2F, down D
  CHECK(total(model) == plain + 3 * ((8 + 2 * 4) * 8 + 64 + 2 * 160 + 64));
  model = base;
  model.norm = NormKind::layernorm;
  CHECK(total(model) == plain + (3 * 2 + 1) * 64);
  model = base;
  model.norms_per_layer = 4;
  CHECK(total(model) == plain + 3 * 2 * 64);
  model.norms_per_layer = 1;
  CHECK(total(model) == plain - 3 * 64);
  model = base;
  model.parallel_residual = true;  // with two norms
  CHECK(total(model) == plain);
  model = base;
  model.qk_norm = true;
  CHECK(total(model) == plain + 3 * 2 * 8);
  model = base;
  model.positions = Positions::learned;  // one row per position of the sequence unless the model says
  CHECK(total(model) == plain + 16 * 64);
  model.max_positions = 50;
  CHECK(total(model) == plain + 50 * 64);
  model = base;
  model.ffn = FfnKind::relu;
  CHECK(total(model) == plain - 3 * 64 * 160);
}
