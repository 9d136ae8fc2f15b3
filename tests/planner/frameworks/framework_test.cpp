#include "planner/frameworks/framework.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr Framework kAll[] = {Framework::megatron,  Framework::megatron_deepspeed, Framework::torch_fsdp,
                              Framework::deepspeed, Framework::nanotron,           Framework::foreshard};

}  // namespace

TEST_CASE("every framework keeps fp32 weights and an fp32 loss, in bounds") {
  for (const Framework framework : kAll) {
    const FrameworkConventions conventions = framework_conventions(framework);
    CAPTURE(static_cast<int>(framework));
    // FSDP shards the weights and keeps them in fp32.
    CHECK(conventions.fp32_master_weights == (framework != Framework::torch_fsdp));
    CHECK(conventions.fp32_logits);
    CHECK(conventions.prefetch_layers >= 1);
    CHECK(conventions.bucket.value() >= 0);
    // Driver and communicators take between half a GiB and three (CUDA context 0.5–0.9, NCCL 1–2 GiB).
    CHECK(conventions.context.as_double() >= 0.5 * kGibi);
    CHECK(conventions.context.as_double() <= 3.0 * kGibi);
    CHECK(conventions.fragmentation >= 0.0);
    CHECK(conventions.fragmentation < 0.2);
  }
}

TEST_CASE("what Megatron-LM does") {
  const FrameworkConventions megatron = framework_conventions(Framework::megatron);
  CHECK(megatron.gradient_dtype == DType::fp32);
  CHECK(megatron.fp16_gradient_dtype == DType::fp16);
  // max(40,000,000, 1,000,000 · dp) gradients; 40,000,000 before April 2024.
  CHECK(megatron.bucket_gradients == 40'000'000);
  CHECK(megatron.bucket_gradients_per_replica == 1'000'000);
  CHECK(framework_conventions(Framework::megatron, Release{2024, 3}).bucket_gradients_per_replica == 0);
  CHECK_FALSE(megatron.overlap.dp);  // --overlap-grad-reduce is off unless asked for
  CHECK(megatron.overlap.tp == TpOverlap::none);
  CHECK(megatron.regather_sequence);
  CHECK(megatron.scatter_pipeline);
  CHECK(megatron.dropout);

  const FrameworkConventions with_deepspeed = framework_conventions(Framework::megatron_deepspeed);
  CHECK(with_deepspeed.gradient_dtype == DType::fp16);
  CHECK(with_deepspeed.bucket == Bytes(0));  // one all-reduce at the end …
  CHECK_FALSE(with_deepspeed.overlap.dp);    // … which nothing hides
}

TEST_CASE("what PyTorch FSDP and DeepSpeed do") {
  const FrameworkConventions fsdp = framework_conventions(Framework::torch_fsdp);
  CHECK(fsdp.overlap.dp);
  CHECK(fsdp.prefetch_layers == 1);
  CHECK_FALSE(fsdp.compiled);
  CHECK_FALSE(fsdp.recompute_whole_layer);
  CHECK_FALSE(fsdp.regather_sequence);

  const FrameworkConventions deepspeed = framework_conventions(Framework::deepspeed);
  CHECK(size_in_bytes(deepspeed.gradient_dtype) == 2);
  CHECK(deepspeed.bucket == bytes_of(deepspeed.gradient_dtype, 500'000'000));
  CHECK(deepspeed.overlap.dp);
}

TEST_CASE("what nanotron and foreshard do") {
  const FrameworkConventions nanotron = framework_conventions(Framework::nanotron);
  CHECK(nanotron.gradient_dtype == DType::fp32);
  CHECK(nanotron.bucket == bytes_of(DType::fp32, 25 * 1024 * 1024 / 2));  // 25 MiB of 16-bit gradients
  CHECK(nanotron.overlap.dp);
  CHECK_FALSE(nanotron.regather_sequence);

  const FrameworkConventions own = framework_conventions(Framework::foreshard);
  CHECK(own.gradient_dtype == DType::fp32);
  CHECK(own.bucket.as_double() == 25.0 * kMebi);
  CHECK(own.overlap.tp == TpOverlap::wgrad);
  CHECK(own.overlap.dp);
  CHECK(own.overlap.pp);
  CHECK(own.compiled);
  CHECK_FALSE(own.dropout);
}

TEST_CASE("docs/frameworks.md documents every framework") {
  std::ifstream file(FORESHARD_SOURCE_DIR "/docs/frameworks.md");
  REQUIRE(file.good());
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const char* name : {"## megatron\n", "## megatron-deepspeed\n", "## torch-fsdp\n", "## deepspeed\n",
                           "## nanotron\n", "## foreshard\n"})
    CHECK_THAT(text, ContainsSubstring(name));
}
