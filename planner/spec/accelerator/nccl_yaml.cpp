#include "planner/spec/accelerator/nccl_yaml.hpp"

#include <array>

#include "planner/units/write_quantity.hpp"

namespace foreshard {

namespace {

constexpr auto kNcclKeys = std::to_array<KeyInfo>({
    {"generation", "whose tuning constants NCCL takes: volta, ampere, hopper or blackwell"},
    {"nvls_bandwidth",
     "what a device sends while the switch reduces (NVLink SHARP), as in 308 GB/s; unsaid: the switch "
     "cannot"},
    {"fixed", "time of every collective beside its steps, as in 15 us"},
    {"source", "where the figures come from"},
});

}  // namespace

KeyTable nccl_keys() { return kNcclKeys; }

std::optional<NcclSpec> read_nccl(const MapReader& map, const std::optional<NcclSpec>& usual) {
  const std::optional<MapReader> reader = map.child("nccl", kNcclKeys);
  if (!reader) return usual;
  NcclSpec nccl = usual.value_or(NcclSpec{});
  const Choice<NcclGeneration> generation;
  if (usual) {
    nccl.generation = reader->optional("generation", generation, nccl.generation);
    nccl.fixed = reader->optional("fixed", kDelay, nccl.fixed);
  } else {
    nccl.generation = reader->required("generation", generation);
    nccl.fixed = reader->required("fixed", kDelay);
  }
  nccl.nvls_bandwidth =
      reader->optional("nvls_bandwidth", Measured<BytesPerSecond>{.zero_allowed = true}, nccl.nvls_bandwidth);
  reader->maybe("source", Text{});
  return nccl;
}

void write_nccl(const std::optional<NcclSpec>& nccl, MapWriter& writer) {
  if (!nccl) return;
  writer.begin("nccl");
  writer.plain("generation", word_of(nccl->generation));
  writer.plain("nvls_bandwidth", write_quantity(nccl->nvls_bandwidth));
  writer.plain("fixed", write_quantity(nccl->fixed));
  writer.end();
}

}  // namespace foreshard
