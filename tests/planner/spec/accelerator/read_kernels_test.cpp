#include "planner/spec/accelerator/read_kernels.hpp"

#include "planner/spec/accelerator/read_accelerator.hpp"
#include "planner/spec/library/library.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/source_text.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A complete accelerator whose last keys are `rest`.
std::string accelerator_with(const std::string& kernels, const std::string& rest) {
  return "memory: {capacity: 1 GiB, bandwidth: 1000 GB/s}\n"
         "multiprocessors: {count: 1}\n"
         "gemm: {fp32: {peak: 1 TFLOP/s, efficiency: 0.5}}\n"
         "kernels: {gemm_fixed: 1 us, memory_efficiency: 0.8, memory_half_size: 1 MB, launch: 1 us, "
         "spread: 0.1" +
         kernels + "}\n" + rest + "node: {devices: 1, network: {bandwidth: 1 Gbit/s, latency: 1 us}}\n";
}

AcceleratorSpec read(const std::string& text) {
  Complaints complaints;
  Library library(complaints);
  const auto documents = parse_yaml(make_source("a.yaml", {}, text), text, complaints);
  const AcceleratorSpec accelerator =
      read_accelerator(documents.front(), documents.front()->place, "", library);
  complaints.throw_if_any();
  return accelerator;
}

std::string complaints_about(const std::string& text) {
  try {
    read(text);
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  return "nothing is wrong with it\n";
}

const MemoryFraction& fraction_of(const AcceleratorSpec& accelerator, MemoryPass pass) {
  return accelerator.kernels.memory_fraction.at(static_cast<std::size_t>(pass));
}

}  // namespace

TEST_CASE("kernel constants that nobody states have harmless defaults") {
  const AcceleratorSpec accelerator = read(accelerator_with("", ""));
  const KernelConstants& kernels = accelerator.kernels;
  CHECK(kernels.gemm_k_prologue == 0);
  CHECK(kernels.gemm_accumulate == 1.0);
  CHECK(kernels.grouped_efficiency == 1.0);
  CHECK(kernels.grouped_fixed == Seconds(0.0));
  for (const MemoryFraction& fraction : kernels.memory_fraction) CHECK(fraction == MemoryFraction{});
  for (const auto& version : kernels.attention) CHECK_FALSE(version.has_value());
  CHECK_FALSE(accelerator.usual_flash.has_value());
  CHECK(accelerator.fits.empty());
}

TEST_CASE("every kernel constant is read") {
  const AcceleratorSpec accelerator = read(accelerator_with(
      ", gemm_k_prologue: 64, gemm_accumulate: 0.9, grouped_efficiency: 0.7, grouped_fixed: 3 us, "
      "memory_fraction: {norm: 0.6, norm_backward: 0.5, optimizer: 0.4}",
      "attention:\n"
      "  fa2:\n"
      "    forward: {efficiency: 0.6, score_cost: 20, key_prologue: 150, tail_rows: 100}\n"
      "    backward: {efficiency: 0.5}\n"
      "    in_step: 0.9\n"
      "flash: fa2\n"
      "fits: [{data: some-set, fitted: true, kernels: 12, mean_error: 0.05, spread: 0.07}]\n"));
  const KernelConstants& kernels = accelerator.kernels;
  CHECK(kernels.gemm_k_prologue == 64);
  CHECK(kernels.gemm_accumulate == 0.9);
  CHECK(kernels.grouped_efficiency == 0.7);
  CHECK(kernels.grouped_fixed == Seconds(3e-6));
  CHECK(fraction_of(accelerator, MemoryPass::norm) == MemoryFraction{0.6, 0.5});
  CHECK(fraction_of(accelerator, MemoryPass::optimizer) == MemoryFraction{0.4, std::nullopt});
  CHECK(fraction_of(accelerator, MemoryPass::rope) == MemoryFraction{});
  const auto& flash = kernels.attention.at(static_cast<std::size_t>(FlashVersion::fa2));
  REQUIRE(flash.has_value());
  CHECK(flash->forward == AttentionRate{0.6, 20.0, 150.0, 100.0});
  CHECK(flash->backward == AttentionRate{0.5, 0.0, 0.0, 0.0});
  CHECK(flash->in_step == 0.9);
  CHECK(accelerator.usual_flash == FlashVersion::fa2);
  CHECK(accelerator.fits == std::vector<KernelFit>{{"some-set", true, 12, 0.05, 0.07}});
}

TEST_CASE("every kind of pass can be stated, forward and backward") {
  for (const Named<MemoryPass>& named : kWords<MemoryPass>) {
    const std::string word(named.word);
    const bool has_backward = named.value != MemoryPass::optimizer && named.value != MemoryPass::quantise;
    const AcceleratorSpec accelerator =
        read(accelerator_with(", memory_fraction: {" + word + ": 0.25" +
                                  (has_backward ? ", " + word + "_backward: 0.125" : "") + "}",
                              ""));
    INFO(word);
    CHECK(fraction_of(accelerator, named.value).forward == 0.25);
    CHECK(fraction_of(accelerator, named.value).backward ==
          (has_backward ? std::optional<double>(0.125) : std::nullopt));
  }
}

TEST_CASE("wrong kernel constants are complained of where they stand") {
  const std::string unknown = complaints_about(accelerator_with(", memory_fraction: {norms: 0.6}", ""));
  CHECK_THAT(unknown, ContainsSubstring("kernels.memory_fraction: unknown key 'norms'"));
  CHECK_THAT(unknown, ContainsSubstring("did you mean 'norm'?"));
  const std::string too_much = complaints_about(accelerator_with(", memory_fraction: {norm: 1.5}", ""));
  CHECK_THAT(too_much, ContainsSubstring("a.yaml:4:"));
  CHECK_THAT(too_much, ContainsSubstring("kernels.memory_fraction.norm"));
  const std::string one_way =
      complaints_about(accelerator_with("", "attention: {fa2: {forward: {efficiency: 0.6}}}\n"));
  CHECK_THAT(one_way, ContainsSubstring("attention.fa2: the key 'backward' is missing"));
  const std::string no_list = complaints_about(accelerator_with("", "fits: {data: some-set}\n"));
  CHECK_THAT(no_list, ContainsSubstring("fits: expected a list, found a map"));
  const std::string no_map = complaints_about(accelerator_with("", "fits: [some-set]\n"));
  CHECK_THAT(no_map, ContainsSubstring("fits[0]"));
}

TEST_CASE("how constants came about is read by group, and nothing else is taken for it") {
  const AcceleratorSpec accelerator =
      read(accelerator_with("", "confidence: {products: measured-burst, price: published}\n"));
  for (const Named<ConstantGroup>& named : kWords<ConstantGroup>) {
    INFO(named.word);
    const auto& how = accelerator.confidence.at(static_cast<std::size_t>(named.value));
    if (named.value == ConstantGroup::products)
      CHECK(how == Confidence::measured_burst);
    else if (named.value == ConstantGroup::price)
      CHECK(how == Confidence::published);
    else
      CHECK_FALSE(how.has_value());
  }
  CHECK_THAT(complaints_about(accelerator_with("", "confidence: {product: assumed}\n")),
             ContainsSubstring("did you mean 'products'?"));
  CHECK_THAT(complaints_about(accelerator_with("", "confidence: {products: measured}\n")),
             ContainsSubstring("measured-sustained, measured-burst"));
}
