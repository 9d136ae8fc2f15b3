#include "planner/spec/write_accelerator.hpp"

#include <fmt/core.h>

#include "planner/spec/names.hpp"
#include "planner/spec/write_kernels.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {

namespace {

std::string number(double value) { return fmt::format("{}", value); }

void write_gemm(const AcceleratorSpec& accelerator, MapWriter& writer) {
  writer.begin("gemm");
  for (const Named<DType>& named : kWords<DType>) {
    const std::optional<GemmRate>& rate = accelerator.gemm[static_cast<std::size_t>(named.value)];
    if (!rate) continue;
    writer.begin(named.word);
    writer.plain("peak", write_quantity(rate->peak));
    writer.plain("efficiency", number(rate->efficiency));
    writer.end();
  }
  writer.end();
}

void write_link(std::string_view key, const LinkSpec& link, MapWriter& writer) {
  writer.begin(key);
  writer.plain("bandwidth", write_quantity(link.bandwidth));
  writer.plain("efficiency", number(link.efficiency));
  writer.plain("latency", write_quantity(link.latency));
  writer.end();
}

void write_node(const UsualNode& node, MapWriter& writer) {
  writer.begin("node");
  writer.plain("devices", fmt::format("{}", node.devices));
  writer.plain("fabric", word_of(node.fabric));
  write_link("link", node.link, writer);
  write_link("network", node.network, writer);
  writer.end();
}

}  // namespace

void write_accelerator_keys(const AcceleratorSpec& accelerator, MapWriter& writer) {
  writer.text("name", accelerator.name);
  writer.text("full_name", accelerator.full_name);
  writer.plain("kind", accelerator.is_cpu ? "cpu" : "gpu");
  writer.begin("memory");
  writer.plain("capacity", write_quantity(accelerator.memory_capacity));
  writer.plain("bandwidth", write_quantity(accelerator.memory_bandwidth));
  writer.end();
  writer.begin("multiprocessors");
  writer.plain("count", fmt::format("{}", accelerator.multiprocessors));
  writer.end();
  write_gemm(accelerator, writer);
  write_kernels(accelerator.kernels, writer);
  if (accelerator.usual_flash) writer.plain("flash", word_of(*accelerator.usual_flash));
  write_fits(accelerator.fits, writer);
  write_node(accelerator.node, writer);
  if (accelerator.price) {
    writer.begin("price");
    writer.plain("per_hour", write_quantity(*accelerator.price));
    writer.end();
  }
  if (accelerator.power) {
    writer.begin("power");
    writer.plain("per_device", write_quantity(*accelerator.power));
    writer.end();
  }
  if (!accelerator.source.empty()) writer.text("source", accelerator.source);
}

std::string write_accelerator(const AcceleratorSpec& accelerator, const std::string& comment) {
  MapWriter writer;
  if (!comment.empty()) writer.comment(comment);
  write_accelerator_keys(accelerator, writer);
  return writer.str();
}

}  // namespace foreshard
