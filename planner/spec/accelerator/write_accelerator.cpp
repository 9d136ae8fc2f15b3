#include "planner/spec/accelerator/write_accelerator.hpp"

#include <fmt/core.h>

#include "planner/spec/accelerator/confidence_yaml.hpp"
#include "planner/spec/accelerator/host_yaml.hpp"
#include "planner/spec/accelerator/nccl_yaml.hpp"
#include "planner/spec/accelerator/write_kernels.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {

namespace {

void write_gemm(const AcceleratorSpec& accelerator, const std::string& source, MapWriter& writer) {
  writer.begin("gemm");
  for (const Named<DType>& named : kWords<DType>) {
    const std::optional<GemmRate>& rate = accelerator.gemm[static_cast<std::size_t>(named.value)];
    if (!rate) continue;
    writer.begin(named.word);
    writer.plain("peak", write_quantity(rate->peak));
    writer.plain("efficiency", rate->efficiency);
    write_source(source, writer);
    writer.end();
  }
  writer.end();
}

void write_link(std::string_view key, const LinkSpec& link, const std::string& source, MapWriter& writer) {
  writer.begin(key);
  writer.plain("bandwidth", write_quantity(link.bandwidth));
  writer.plain("efficiency", link.efficiency);
  writer.plain("latency", write_quantity(link.latency));
  write_source(source, writer);
  writer.end();
}

void write_node(const UsualNode& node, const FigureSources& sources, MapWriter& writer) {
  writer.begin("node");
  writer.plain("devices", fmt::format("{}", node.devices));
  writer.plain("fabric", word_of(node.fabric));
  write_link("link", node.link, sources.link, writer);
  write_link("network", node.network, sources.network, writer);
  write_nccl(node.nccl, writer);
  write_host(node.host, writer);
  writer.end();
}

}  // namespace

void write_accelerator_keys(const AcceleratorSpec& accelerator, MapWriter& writer,
                            const FigureSources& sources) {
  writer.text("name", accelerator.name);
  writer.text("full_name", accelerator.full_name);
  writer.plain("kind", accelerator.is_cpu ? "cpu" : "gpu");
  writer.begin("memory");
  writer.plain("capacity", write_quantity(accelerator.memory_capacity));
  writer.plain("bandwidth", write_quantity(accelerator.memory_bandwidth));
  write_source(sources.memory, writer);
  writer.end();
  writer.begin("multiprocessors");
  writer.plain("count", fmt::format("{}", accelerator.multiprocessors));
  write_source(sources.multiprocessors, writer);
  writer.end();
  write_gemm(accelerator, sources.gemm, writer);
  write_kernels(accelerator.kernels, writer, sources);
  if (accelerator.usual_flash) writer.plain("flash", word_of(*accelerator.usual_flash));
  write_fits(accelerator.fits, writer);
  write_confidence(accelerator.confidence, writer);
  write_node(accelerator.node, sources, writer);
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
  write_source(accelerator.source, writer);
}

std::string write_accelerator(const AcceleratorSpec& accelerator, const std::string& comment) {
  MapWriter writer;
  if (!comment.empty()) writer.comment(comment);
  write_accelerator_keys(accelerator, writer);
  return writer.str();
}

}  // namespace foreshard
