// Tests of emitters, cost, ledger, simulator and runtime compare with a program written by hand. The tests
// here check that program itself against the model's arithmetic. T = 4 tokens, D = 8 hidden, F = 16, V = 32;
// 4 heads and 2 kv heads of 2; tp 2, pp 2, two micro-batches.
#include "tests/planner/program/golden.hpp"

#include <algorithm>
#include <map>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::testing;

namespace {

constexpr std::int64_t kTokens = 4;
constexpr std::int64_t kTp = 2;
// qkv (4 + 2·2)·2 × 8, out 8 × 4·2, gate and up 2·16 × 8, down 8 × 16
constexpr std::int64_t kLayerMatrices = 128 + 64 + 256 + 128;
constexpr std::int64_t kHeadMatrix = 32 * 8;

/// FLOPs of a block's matrix products on one rank, attention aside.
std::int64_t gemm_flops(const Block& block) {
  std::int64_t flops = 0;
  for (const Op& op : block.ops) {
    if (const auto* gemm = std::get_if<Gemm>(&op.kind))
      flops += 2 * gemm->batch * gemm->m * gemm->n * gemm->k;
  }
  return flops;
}

std::int64_t collective_bytes(const Block& block) {
  std::int64_t bytes = 0;
  for (const Op& op : block.ops) {
    if (const auto* collective = std::get_if<Collective>(&op.kind)) bytes += collective->payload.value();
  }
  return bytes;
}

/// Groups, tensors, blocks and stages of a program's JSON form, as one text each, sorted. The order of
/// tensors and blocks in the list has no meaning; the order of operations and block calls is kept.
std::vector<std::string> entries_of(const std::string& json) {
  const std::string begin = "\n  {";
  std::vector<std::string> entries;
  for (std::size_t at = json.find(begin); at != std::string::npos;) {
    const std::size_t next = json.find(begin, at + 1);
    std::string entry = json.substr(at + 1, next == std::string::npos ? next : next - at - 1);
    entry.resize(std::min(entry.size(), entry.find("\n ]")));  // the end of the list
    if (entry.back() == ',') entry.pop_back();
    entries.push_back(entry);
    at = next;
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

JobSpec golden_job() {
  JobSpec job;
  job.model.layers = 2;
  job.model.hidden = 8;
  job.model.ffn_hidden = 16;
  job.model.heads = 4;
  job.model.kv_heads = 2;
  job.model.head_dim = 2;
  job.model.vocab = 32;
  job.model.vocab_multiple = 8;
  job.parallelism.tp = 2;
  job.parallelism.pp = 2;
  job.training.sequence_length = 4;
  job.training.global_batch = 2;
  job.training.micro_batch = 1;
  job.training.overlap.pp = true;
  return job;
}

}  // namespace

TEST_CASE("golden: the emitters write what was written by hand") {
  const std::vector<std::string> by_hand = entries_of(golden_text());
  const std::vector<std::string> emitted = entries_of(to_json(build_step_program(golden_job())));
  REQUIRE(by_hand.size() == 13 + 60 + 21 + 2);  // groups, tensors, blocks, stages
  REQUIRE(emitted.size() == by_hand.size());
  for (std::size_t i = 0; i < by_hand.size(); ++i) CHECK(emitted[i] == by_hand[i]);
}

TEST_CASE("golden: the program is sound") { CHECK(check_program(golden()) == std::vector<std::string>{}); }

TEST_CASE("golden: its weights are the model's parameters") {
  const StepProgram program = golden();
  std::map<bool, std::int64_t> weights;  // by per_layer
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role == TensorRole::weight) weights[tensor.per_layer] += tensor.global_elements();
  }
  CHECK(weights[true] == kLayerMatrices + 2 * 8);     // and two norms
  CHECK(weights[false] == 32 * 8 + 8 + kHeadMatrix);  // table, final norm, head
}

TEST_CASE("golden: every weight has an fp32 gradient of its shape, and three fp32 states of its kind") {
  StepProgram program = golden();
  std::map<std::string, std::int64_t> local;  // weights by kind
  for (const Tensor& weight : program.tensors) {
    if (weight.role != TensorRole::weight) continue;
    INFO(weight.label);
    const Tensor& gradient = tensor_named(program, weight.label + ".grad");
    CHECK(gradient.role == TensorRole::gradient);
    CHECK(gradient.dtype == DType::fp32);
    CHECK(gradient.dims == weight.dims);
    CHECK(gradient.sections == weight.sections);
    CHECK(gradient.per_layer == weight.per_layer);
    local[weight.label.substr(0, weight.label.find('.'))] += weight.local_elements();
  }
  CHECK(local == std::map<std::string, std::int64_t>{
                     {"embedding", 32 / 2 * 8}, {"layer", kLayerMatrices / kTp + 2 * 8}, {"head", 8 + 128}});
  for (const auto& [kind, elements] : local) {
    for (const char* state : {".master", ".adam_m", ".adam_v"}) {
      CHECK(tensor_named(program, kind + state).local_bytes() == Bytes(4 * elements));
    }
  }
}

TEST_CASE("golden: forward is 2 FLOPs per token and matrix weight, backward twice that") {
  StepProgram program = golden();
  const std::int64_t layer = 2 * kTokens * kLayerMatrices / kTp;
  const std::int64_t head = 2 * kTokens * kHeadMatrix / kTp;
  CHECK(gemm_flops(block_named(program, "dense_layer forward")) == layer);
  CHECK(gemm_flops(block_named(program, "dense_layer backward")) == 2 * layer);
  CHECK(gemm_flops(block_named(program, "head forward")) == head);
  CHECK(gemm_flops(block_named(program, "head backward")) == 2 * head);
}

TEST_CASE("golden: a layer all-reduces its hidden states twice each way") {
  StepProgram program = golden();
  constexpr std::int64_t kHidden = kTokens * 8 * 2;  // bf16
  CHECK(collective_bytes(block_named(program, "dense_layer forward")) == 2 * kHidden);
  CHECK(collective_bytes(block_named(program, "dense_layer backward")) == 2 * kHidden);
  CHECK(collective_bytes(block_named(program, "embedding forward")) == kHidden);
  // One fp32 maximum per token, then the sum and the label's logit.
  CHECK(collective_bytes(block_named(program, "head forward")) == kTokens * 4 + kTokens * 2 * 4);
  CHECK(collective_bytes(block_named(program, "head backward")) == kHidden);
}

TEST_CASE("golden: both stages run two micro-batches through one layer") {
  const StepProgram program = golden();
  for (const int stage : {0, 1}) {
    const auto counts = count_block_calls(program, StageId(stage));
    CHECK(counts[block_id(program, "dense_layer forward").at()] == 2);
    CHECK(counts[block_id(program, "dense_layer backward").at()] == 2);
    CHECK(counts[block_id(program, "dense_layer update").at()] == 1);
  }
}

TEST_CASE("golden: its step takes the pipeline's time") {
  // A layer's forward takes 1 s and its backward 2 s, all else nothing: (m + p − 1)·(F + B) = 3·3 s.
  const auto duration = [](const Op& op) {
    if (op.name != "gate_up" || op.phase == Phase::backward_weight) return Seconds(0.0);
    return Seconds(op.phase == Phase::forward ? 1.0 : 2.0);
  };
  CHECK(TaskGraph(golden()).critical_path(duration).length == Seconds(9.0));
}
