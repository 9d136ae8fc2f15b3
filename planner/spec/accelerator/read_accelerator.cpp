#include "planner/spec/accelerator/read_accelerator.hpp"

#include <array>

#include "planner/spec/accelerator/confidence_yaml.hpp"
#include "planner/spec/accelerator/host_yaml.hpp"
#include "planner/spec/accelerator/nccl_yaml.hpp"
#include "planner/spec/accelerator/read_kernels.hpp"

namespace foreshard {

namespace {

constexpr auto kAcceleratorKeys = std::to_array<KeyInfo>({
    {"name", "by which clusters name it"},
    {"full_name", "as people write it"},
    {"kind", "gpu or cpu", "gpu"},
    {"memory", "{capacity: 80 GiB, bandwidth: 3350 GB/s}"},
    {"multiprocessors", "{count: 132}"},
    {"gemm", "rates of matrix products by data type: {bf16: {peak: 989 TFLOP/s, efficiency: 0.7}}"},
    {"kernels", "constants of the kernel-time model, fitted to measured kernels"},
    {"attention",
     "fused attention by version: {fa2: {forward: {efficiency: 0.6}, backward: {efficiency: 0.5}}}"},
    {"flash", "the flash attention usually run: fa1, fa2, fa3, fa4, cudnn or triton"},
    {"fits", "how well the constants reproduce sets of measured kernels, as fit_kernels writes it"},
    {"confidence", "how each group of constants came about: {products: measured-sustained, passes: assumed}"},
    {"node", "the node in which it usually comes: {devices, fabric, link, network, nccl, host}"},
    {"price", "{per_hour: 2.50 USD/h} of one device"},
    {"power", "{per_device: 700 W} under load"},
    {"source", "where the figures come from"},
    {"notes", "anything else"},
});
constexpr auto kMemoryKeys = std::to_array<KeyInfo>({
    {"capacity", "what a process can allocate at most, as in 80 GiB"},
    {"bandwidth", "from the datasheet, as in 3350 GB/s"},
    {"source", "where the figures come from"},
});
constexpr auto kMultiprocessorsKeys = std::to_array<KeyInfo>({
    {"count", "streaming multiprocessors, compute units or cores"},
    {"source", "where the figure comes from"},
});
constexpr auto kGemmKeys = std::to_array<KeyInfo>({
    {"fp64", "{peak, efficiency} of fp64 products"},
    {"fp32", "{peak, efficiency} of fp32 products"},
    {"tf32", "{peak, efficiency} of tf32 products"},
    {"bf16", "{peak, efficiency} of bf16 products"},
    {"fp16", "{peak, efficiency} of fp16 products"},
    {"fp8", "{peak, efficiency} of fp8 products, one scale for each operand"},
    {"fp8_rowwise", "{peak, efficiency} with a scale for each row and column; unsaid, those of fp8"},
    {"fp8_block", "{peak, efficiency} with scales for 1 x 128 and 128 x 128 elements; unsaid, those of fp8"},
    {"mxfp8", "{peak, efficiency} of products with a scale for each 32 elements"},
    {"nvfp4", "{peak, efficiency} of 4-bit products with a scale for each 16 elements"},
});
constexpr auto kGemmRateKeys = std::to_array<KeyInfo>({
    {"peak", "dense, from the datasheet, as in 989 TFLOP/s"},
    {"efficiency", "fraction of the peak that large products sustain"},
    {"source", "where the figures come from"},
});
constexpr auto kNodeKeys = std::to_array<KeyInfo>({
    {"devices", "accelerators in a node"},
    {"fabric", "how they are joined: nvswitch, mesh, pcie, shared-memory or none", "none"},
    {"link", "between devices of the node: {bandwidth: 450 GB/s, efficiency: 0.8, latency: 4 us}"},
    {"network", "one device's share of the NICs: {bandwidth: 400 Gbit/s, efficiency: 0.9, latency: 10 us}"},
    {"nccl", "how NCCL runs collectives over an NVSwitch; unsaid: plain rings"},
    {"host",
     "its CPUs: {memory: 2 TiB, memory_bandwidth: 614 GB/s, link: {bandwidth: 64 GB/s, latency: 10 us}}"},
    {"source", "where the figures come from"},
});
constexpr auto kLinkKeys = std::to_array<KeyInfo>({
    {"bandwidth", "of one device, one direction, as in 450 GB/s"},
    {"efficiency", "fraction that large collectives reach", "1"},
    {"latency", "per step of a ring or message, as in 4 us"},
    {"source", "where the figures come from"},
});
constexpr auto kPriceKeys = std::to_array<KeyInfo>({
    {"per_hour", "of one device, as in 2.50 USD/h"},
    {"source", "where the figure comes from"},
});
constexpr auto kPowerKeys = std::to_array<KeyInfo>({
    {"per_device", "under load, as in 700 W"},
    {"source", "where the figure comes from"},
});

enum class DeviceKind : std::uint8_t { gpu, cpu };

}  // namespace

template <>
inline constexpr auto kWords<DeviceKind> = std::to_array<Named<DeviceKind>>({{DeviceKind::gpu, "gpu"},
                                                                             {DeviceKind::cpu, "cpu"}});

namespace {

/// Checks that a source, if there is one, is a text. Sources are for people; the specs do not store them.
void check_source(const MapReader& map) { map.maybe("source", Text{}); }

void read_gemm(const MapReader& map, AcceleratorSpec& accelerator) {
  const std::optional<MapReader> gemm = map.required_child("gemm", kGemmKeys);
  if (!gemm) return;
  for (const KeyInfo& info : kGemmKeys) {
    const std::optional<MapReader> rate = gemm->child(info.key, kGemmRateKeys);
    if (!rate) continue;
    GemmRate& read = accelerator.gemm[static_cast<std::size_t>(value_of<DType>(info.key).value())].emplace();
    read.peak = rate->required("peak", Measured<FlopsPerSecond>{});
    read.efficiency = rate->required("efficiency", Fraction{});
    check_source(*rate);
  }
  if (gemm->node()->entries.empty())
    map.complain("gemm", "there is no data type", "at least one of fp32, bf16, …");
}

LinkSpec read_link(const std::optional<MapReader>& map) {
  LinkSpec link;
  if (!map) return link;
  link.bandwidth = map->required("bandwidth", Measured<BytesPerSecond>{});
  link.efficiency = map->optional("efficiency", Fraction{}, 1.0);
  link.latency = map->required("latency", kDelay);
  check_source(*map);
  return link;
}

UsualNode read_node(const MapReader& map) {
  UsualNode node;
  const std::optional<MapReader> reader = map.required_child("node", kNodeKeys);
  if (!reader) return node;
  node.devices = reader->required("devices", WholeNumber{1, 10'000});
  node.fabric = reader->optional("fabric", Choice<NodeFabric>{}, NodeFabric::none);
  node.network = read_link(reader->required_child("network", kLinkKeys));
  // Without a fabric inside the node, its devices communicate through their NICs.
  const bool through_network = node.fabric == NodeFabric::none && !reader->has("link");
  node.link = through_network ? node.network : read_link(reader->required_child("link", kLinkKeys));
  node.nccl = read_nccl(*reader, std::nullopt);
  node.host = read_host(*reader, std::nullopt);
  check_source(*reader);
  return node;
}

AcceleratorSpec read_accelerator_map(const MapReader& map) {
  AcceleratorSpec accelerator;
  constexpr const char* kUnnamed = "unnamed accelerator";
  accelerator.name =
      map.optional("name", Text{}, map.path().empty() ? name_from_file(map.owner(), kUnnamed) : kUnnamed);
  accelerator.full_name = map.optional("full_name", Text{}, accelerator.name);
  accelerator.is_cpu = map.optional("kind", Choice<DeviceKind>{}, DeviceKind::gpu) == DeviceKind::cpu;
  if (const auto memory = map.required_child("memory", kMemoryKeys)) {
    accelerator.memory_capacity = memory->required("capacity", Measured<Bytes>{});
    accelerator.memory_bandwidth = memory->required("bandwidth", Measured<BytesPerSecond>{});
    check_source(*memory);
  }
  if (const auto multiprocessors = map.required_child("multiprocessors", kMultiprocessorsKeys)) {
    accelerator.multiprocessors = multiprocessors->required("count", WholeNumber{1, 1'000'000});
    check_source(*multiprocessors);
  }
  read_gemm(map, accelerator);
  accelerator.kernels = read_kernels(map, accelerator.is_cpu);
  accelerator.usual_flash = map.maybe("flash", Choice<FlashVersion>{});
  accelerator.fits = read_fits(map);
  accelerator.confidence = read_confidence(map);
  accelerator.node = read_node(map);
  if (const auto price = map.child("price", kPriceKeys)) {
    accelerator.price = price->required("per_hour", Measured<DollarsPerSecond>{true});
    check_source(*price);
  }
  if (const auto power = map.child("power", kPowerKeys)) {
    accelerator.power = power->required("per_device", Measured<Watts>{});
    check_source(*power);
  }
  accelerator.source = map.optional("source", Text{}, "");
  map.maybe("notes", Text{});
  return accelerator;
}

}  // namespace

KeyTable accelerator_keys() { return kAcceleratorKeys; }
KeyTable memory_keys() { return kMemoryKeys; }
KeyTable multiprocessors_keys() { return kMultiprocessorsKeys; }
KeyTable gemm_keys() { return kGemmKeys; }
KeyTable gemm_rate_keys() { return kGemmRateKeys; }
KeyTable node_keys() { return kNodeKeys; }
KeyTable link_keys() { return kLinkKeys; }
KeyTable price_keys() { return kPriceKeys; }
KeyTable power_keys() { return kPowerKeys; }

AcceleratorSpec read_accelerator(const NodePtr& node, const Place& owner, const std::string& path,
                                 Library& library) {
  if (node->kind == YamlNode::Kind::scalar && !node->text.empty()) {
    const NodePtr document = library.open(ConfigKind::accelerators, *node, path);
    if (document == nullptr) return {};
    const auto map = MapReader::open(document, document->place, "", kAcceleratorKeys,
                                     "a map that describes an accelerator", library.complaints());
    return map ? read_accelerator_map(*map) : AcceleratorSpec{};
  }
  const auto map = MapReader::open(node, owner, path, kAcceleratorKeys,
                                   "an accelerator's name, a path or a map", library.complaints());
  return map ? read_accelerator_map(*map) : AcceleratorSpec{};
}

}  // namespace foreshard
