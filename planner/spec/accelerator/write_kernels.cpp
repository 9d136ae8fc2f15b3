#include "planner/spec/accelerator/write_kernels.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "planner/spec/types/names.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {

namespace {

bool is_said(const MemoryFraction& fraction) {
  return fraction.forward.has_value() || fraction.backward.has_value();
}

void write_fractions(const KernelConstants& kernels, MapWriter& writer) {
  if (!std::any_of(kernels.memory_fraction.begin(), kernels.memory_fraction.end(), is_said)) return;
  writer.begin("memory_fraction");
  for (const Named<MemoryPass>& named : kWords<MemoryPass>) {
    const MemoryFraction& fraction = kernels.memory_fraction[static_cast<std::size_t>(named.value)];
    if (fraction.forward) writer.plain(named.word, *fraction.forward);
    if (fraction.backward) writer.plain(std::string(named.word) + "_backward", *fraction.backward);
  }
  writer.end();
}

void write_rate(std::string_view key, const AttentionRate& rate, MapWriter& writer) {
  writer.begin(key);
  writer.plain("efficiency", rate.efficiency);
  writer.plain("score_cost", rate.score_cost);
  writer.plain("key_prologue", rate.key_prologue);
  writer.plain("tail_rows", rate.tail_rows);
  writer.end();
}

void write_attention(const KernelConstants& kernels, const std::string& source, MapWriter& writer) {
  const auto is_measured = [](const std::optional<FlashAttention>& version) { return version.has_value(); };
  if (!std::any_of(kernels.attention.begin(), kernels.attention.end(), is_measured)) return;
  writer.begin("attention");
  for (const Named<FlashVersion>& named : kWords<FlashVersion>) {
    const std::optional<FlashAttention>& version = kernels.attention[static_cast<std::size_t>(named.value)];
    if (!version) continue;
    writer.begin(named.word);
    write_rate("forward", version->forward, writer);
    write_rate("backward", version->backward, writer);
    writer.plain("in_step", version->in_step);
    writer.end();
  }
  write_source(source, writer);
  writer.end();
}

}  // namespace

void write_source(const std::string& source, MapWriter& writer) {
  if (!source.empty()) writer.text("source", source);
}

void write_kernels(const KernelConstants& kernels, MapWriter& writer, const FigureSources& sources) {
  writer.begin("kernels");
  writer.plain("gemm_fixed", write_quantity(kernels.gemm_fixed));
  writer.plain("gemm_k_prologue", fmt::format("{}", kernels.gemm_k_prologue));
  writer.plain("gemm_accumulate", kernels.gemm_accumulate);
  writer.plain("grouped_efficiency", kernels.grouped_efficiency);
  if (kernels.grouped_efficiency_fp8) writer.plain("grouped_efficiency_fp8", *kernels.grouped_efficiency_fp8);
  writer.plain("grouped_fixed", write_quantity(kernels.grouped_fixed));
  writer.plain("memory_efficiency", kernels.memory_efficiency);
  writer.plain("memory_half_size", write_quantity(kernels.memory_half_size));
  write_fractions(kernels, writer);
  writer.plain("launch", write_quantity(kernels.launch));
  if (kernels.graph_launch > Seconds(0.0)) writer.plain("graph_launch", write_quantity(kernels.graph_launch));
  writer.plain("submit", write_quantity(kernels.submit));
  writer.plain("communication_share", kernels.communication_share);
  writer.plain("device_spread", kernels.device_spread);
  writer.plain("spread", kernels.spread);
  write_source(sources.kernels, writer);
  writer.end();
  write_attention(kernels, sources.attention, writer);
}

void write_fits(const std::vector<KernelFit>& fits, MapWriter& writer) {
  if (fits.empty()) return;
  writer.begin("fits");
  for (const KernelFit& fit : fits) {
    writer.item(fmt::format("{{data: {}, fitted: {}, kernels: {}, mean_error: {}, spread: {}}}",
                            MapWriter::quoted(fit.data), fit.fitted, fit.kernels, fit.mean_error,
                            fit.spread));
  }
  writer.end();
}

}  // namespace foreshard
