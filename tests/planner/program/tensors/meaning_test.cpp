#include "planner/program/tensors/meaning.hpp"

#include <map>
#include <stdexcept>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/program/ops/enum_names.hpp"
#include "planner/program/program_builder.hpp"
#include "planner/program/tensor_label.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

JobSpec small_job() {
  JobSpec job;
  job.model.layers = 2;
  job.model.hidden = 8;
  job.model.ffn_hidden = 16;
  job.model.heads = 4;
  job.model.kv_heads = 4;
  job.model.head_dim = 2;
  job.model.vocab = 32;
  job.training.sequence_length = 4;
  job.training.global_batch = 1;
  job.training.micro_batch = 1;
  return job;
}

JobSpec dense_and_mixed_layers() {
  JobSpec job = small_job();
  job.model.experts =
      ExpertsSpec{.count = 4, .per_token = 2, .hidden = 8, .shared_hidden = 8, .dense_layers = 1};
  return job;
}

constexpr Meaning kUp{ModelPart::ffn, TensorItem::up, TensorAspect::weight};

Tensor up_weight() {
  Tensor tensor = tensor_of(kUp);
  tensor.role = TensorRole::weight;
  tensor.dims = {{.name = DimName::ffn, .size = 16}, {.name = DimName::hidden, .size = 8}};
  return tensor;
}

const Tensor& labelled(const StepProgram& program, const std::string& label) {
  for (const Tensor& tensor : program.tensors) {
    if (tensor.label == label) return tensor;
  }
  throw std::runtime_error("no tensor " + label);
}

}  // namespace

TEST_CASE("a tensor that is added in the same words is the same tensor") {
  const JobSpec job = small_job();
  ProgramBuilder builder(job);
  const TensorId first = builder.add(up_weight());
  CHECK(builder.add(up_weight()) == first);
  CHECK(builder.find(kUp) == first);
  // Sharding and lifetime, which passes set later, do not change a tensor's identity.
  builder.tensor(first).dims[0].tp = 2;
  builder.tensor(first).lifetime = Lifetime::step;
  CHECK(builder.add(up_weight()) == first);
}

TEST_CASE("a tensor of another meaning, shape or type under the same label is refused") {
  const JobSpec job = small_job();
  ProgramBuilder builder(job);
  builder.add(up_weight());
  const auto refused = [&](auto change) {
    Tensor other = up_weight();
    change(other);
    CHECK_THROWS_AS(builder.add(std::move(other)), std::logic_error);
  };
  refused([](Tensor& tensor) { tensor.meaning.part = ModelPart::shared_experts; });
  refused([](Tensor& tensor) { tensor.meaning.aspect = TensorAspect::bias; });
  refused([](Tensor& tensor) { tensor.dims[0].size = 17; });
  refused([](Tensor& tensor) { tensor.dims.pop_back(); });
  refused([](Tensor& tensor) { tensor.dtype = DType::fp32; });
  refused([](Tensor& tensor) { tensor.role = TensorRole::buffer; });
  refused([](Tensor& tensor) { tensor.sections = {8, 8}; });
}

TEST_CASE("what is not there is not found") {
  const JobSpec job = small_job();
  ProgramBuilder builder(job);
  CHECK_THROWS_WITH(builder.find(kUp), ContainsSubstring("layer.up.weight"));
  const TensorId up = builder.add(up_weight());
  CHECK_THROWS_WITH(builder.find(Derivation::gradient, up), ContainsSubstring("layer.up.weight.grad"));
}

TEST_CASE("labels say what tensors mean, one label for one meaning") {
  CHECK(label_of({ModelPart::attention, TensorItem::qkv, TensorAspect::weight}) == "layer.qkv.weight");
  CHECK(label_of({ModelPart::experts, TensorItem::down, TensorAspect::bias}) == "layer.experts.down.bias");
  CHECK(label_of({ModelPart::norm, TensorItem::final_norm, TensorAspect::output}) == "head.norm.out");
  for (const JobSpec& job : {small_job(), dense_and_mixed_layers()}) {
    std::map<Meaning, std::string> labels;
    for (const Tensor& tensor : build_step_program(job).tensors) {
      INFO(tensor.label);
      CHECK(tensor.meaning.part != ModelPart::none);
      if (tensor.derivation != Derivation::none) continue;
      CHECK(labels.emplace(tensor.meaning, tensor.label).second);
      CHECK(label_of(tensor.meaning) == tensor.label);
    }
  }
}

TEST_CASE("gradients and states say of what") {
  const StepProgram program = build_step_program(small_job());
  std::size_t weights = 0;
  std::size_t gradients = 0;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role == TensorRole::weight) ++weights;
    if (tensor.role != TensorRole::gradient) continue;
    ++gradients;
    CHECK(tensor.derivation == Derivation::gradient);
    REQUIRE(tensor.of.size() == 1);
    const Tensor& weight = program.tensor(tensor.of.front());
    CHECK(weight.role == TensorRole::weight);
    CHECK(weight.meaning == tensor.meaning);
  }
  CHECK(weights == gradients);
  // One layer's weights: two norms, qkv, out, and the two matrices of its FFN.
  const Tensor& master = labelled(program, "layer.master");
  CHECK(master.derivation == Derivation::master);
  CHECK(master.of.size() == 6);
  CHECK(labelled(program, "layer.adam_m").derivation == Derivation::first_moment);
  CHECK(labelled(program, "layer.adam_v").of == master.of);
  CHECK(labelled(program, "d.hidden").is(kHiddenStream) == false);
  CHECK(labelled(program, "hidden").is(kHiddenStream));
}

TEST_CASE("a tensor that one kind of layer alone has knows which") {
  const StepProgram program = build_step_program(dense_and_mixed_layers());
  const LayerKindId dense(std::int32_t{0});
  const LayerKindId mixed(std::int32_t{1});
  CHECK(labelled(program, "layer.down.weight").layer_kind == dense);
  CHECK(labelled(program, "layer.experts.down.weight").layer_kind == mixed);
  CHECK(labelled(program, "layer.router.routes").layer_kind == mixed);
  CHECK_FALSE(labelled(program, "layer.qkv.weight").layer_kind.has_value());
  CHECK_FALSE(labelled(program, "embedding.weight").layer_kind.has_value());
  CHECK_FALSE(labelled(program, "hidden").layer_kind.has_value());
}

TEST_CASE("the JSON form keeps what tensors mean") {
  const StepProgram program = build_step_program(dense_and_mixed_layers());
  const StepProgram read = program_from_json(to_json(program));
  REQUIRE(read.tensors.size() == program.tensors.size());
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    INFO(program.tensors[i].label);
    CHECK(read.tensors[i].meaning == program.tensors[i].meaning);
    CHECK(read.tensors[i].derivation == program.tensors[i].derivation);
    CHECK(read.tensors[i].of == program.tensors[i].of);
    CHECK(read.tensors[i].layer_kind == program.tensors[i].layer_kind);
  }
}
