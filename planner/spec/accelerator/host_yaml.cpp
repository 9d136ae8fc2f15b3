#include "planner/spec/accelerator/host_yaml.hpp"

#include <array>

#include <fmt/core.h>

#include "planner/units/write_quantity.hpp"

namespace foreshard {

namespace {

constexpr auto kHostKeys = std::to_array<KeyInfo>({
    {"memory", "of a node's CPUs, as in 2 TiB"},
    {"memory_bandwidth", "of a node's CPUs together, from their datasheets, as in 614 GB/s"},
    {"memory_efficiency", "fraction of that bandwidth that a CPU's optimizer reaches", "0.5"},
    {"link", "between one device and its host: {bandwidth: 64 GB/s, efficiency: 0.85, latency: 10 us}"},
    {"source", "where the figures come from"},
});
constexpr auto kHostLinkKeys = std::to_array<KeyInfo>({
    {"bandwidth", "of one device, one direction, as in 64 GB/s"},
    {"efficiency", "fraction that large copies from and to pinned memory reach", "1"},
    {"latency", "of a copy, as in 10 us"},
    {"source", "where the figures come from"},
});

LinkSpec read_host_link(const std::optional<MapReader>& map, const std::optional<LinkSpec>& usual) {
  LinkSpec link = usual.value_or(LinkSpec{});
  if (!map) return link;
  const Measured<BytesPerSecond> rate;
  link.bandwidth =
      usual ? map->optional("bandwidth", rate, usual->bandwidth) : map->required("bandwidth", rate);
  link.efficiency = map->optional("efficiency", Fraction{}, link.efficiency);
  link.latency = usual ? map->optional("latency", kDelay, usual->latency) : map->required("latency", kDelay);
  map->maybe("source", Text{});
  return link;
}

}  // namespace

KeyTable host_keys() { return kHostKeys; }
KeyTable host_link_keys() { return kHostLinkKeys; }

std::optional<HostSpec> read_host(const MapReader& map, const std::optional<HostSpec>& usual) {
  const std::optional<MapReader> reader = map.child("host", kHostKeys);
  if (!reader) return usual;
  HostSpec host = usual.value_or(HostSpec{});
  const Measured<Bytes> size;
  const Measured<BytesPerSecond> rate;
  host.memory = usual ? reader->optional("memory", size, usual->memory) : reader->required("memory", size);
  host.memory_bandwidth = usual ? reader->optional("memory_bandwidth", rate, usual->memory_bandwidth)
                                : reader->required("memory_bandwidth", rate);
  host.memory_efficiency = reader->optional("memory_efficiency", Fraction{}, host.memory_efficiency);
  const auto link =
      usual ? reader->child("link", kHostLinkKeys) : reader->required_child("link", kHostLinkKeys);
  host.link = read_host_link(link, usual ? std::optional(usual->link) : std::nullopt);
  reader->maybe("source", Text{});
  return host;
}

void write_host(const std::optional<HostSpec>& host, MapWriter& writer) {
  if (!host) return;
  writer.begin("host");
  writer.plain("memory", write_quantity(host->memory));
  writer.plain("memory_bandwidth", write_quantity(host->memory_bandwidth));
  writer.plain("memory_efficiency", fmt::format("{}", host->memory_efficiency));
  writer.begin("link");
  writer.plain("bandwidth", write_quantity(host->link.bandwidth));
  writer.plain("efficiency", fmt::format("{}", host->link.efficiency));
  writer.plain("latency", write_quantity(host->link.latency));
  writer.end();
  writer.end();
}

}  // namespace foreshard
