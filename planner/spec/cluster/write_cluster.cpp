#include "planner/spec/cluster/write_cluster.hpp"

#include <fmt/core.h>

#include "planner/spec/accelerator/host_yaml.hpp"
#include "planner/spec/accelerator/nccl_yaml.hpp"
#include "planner/spec/accelerator/write_accelerator.hpp"
#include "planner/spec/accelerator/write_kernels.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/yaml/map_writer.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {

std::string write_cluster(const ClusterSpec& cluster, const std::string& comment,
                          const FigureSources& sources) {
  MapWriter writer;
  if (!comment.empty()) writer.comment(comment);
  writer.text("name", cluster.name);
  writer.begin("accelerator");
  write_accelerator_keys(cluster.accelerator, writer, sources);
  writer.end();
  writer.plain("devices_per_node", fmt::format("{}", cluster.devices_per_node + cluster.idle_per_node));
  if (cluster.idle_per_node > 0) writer.plain("idle_per_node", fmt::format("{}", cluster.idle_per_node));
  writer.plain("nodes", fmt::format("{}", cluster.nodes));
  writer.plain("fabric", word_of(cluster.fabric));
  writer.begin("link");
  writer.plain("bandwidth", write_quantity(cluster.link.bandwidth));
  writer.plain("efficiency", fmt::format("{}", cluster.link.efficiency));
  writer.plain("latency", write_quantity(cluster.link.latency));
  write_source(sources.link, writer);
  writer.end();
  write_nccl(cluster.nccl, writer);
  writer.begin("network");
  writer.plain("bandwidth_per_device", write_quantity(cluster.network.link.bandwidth));
  writer.plain("latency", write_quantity(cluster.network.link.latency));
  writer.plain("efficiency", fmt::format("{}", cluster.network.link.efficiency));
  writer.plain("topology", word_of(cluster.network.topology));
  writer.plain("oversubscription", fmt::format("{}", cluster.network.oversubscription));
  write_source(sources.network, writer);
  writer.end();
  write_host(cluster.host, writer);
  if (cluster.price) writer.plain("price_per_device_hour", write_quantity(*cluster.price));
  if (cluster.power) writer.plain("power_per_device", write_quantity(*cluster.power));
  return writer.str();
}

}  // namespace foreshard
