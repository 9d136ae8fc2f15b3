#include "runtime/comm/before_run.hpp"

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {
std::optional<std::string> rank_count_complaint(const ParallelismSpec& parallelism, std::int64_t ranks,
                                                std::string_view command) {
  const std::int64_t devices = DeviceMesh(parallelism).devices();
  if (devices == ranks) return std::nullopt;
  return fmt::format(
      "the job needs {} devices (tp {} × cp {} × dp {} × pp {}), one rank each, but {} {} started; run\n"
      "  mpirun -n {} {}",
      devices, parallelism.tp, parallelism.cp, parallelism.dp, parallelism.pp, ranks,
      ranks == 1 ? "rank was" : "ranks were", devices, command);
}

std::optional<std::string> memory_complaint(Bytes bytes_per_rank, std::int64_t local_ranks, Bytes available,
                                            std::string_view host) {
  const Bytes needed = bytes_per_rank * local_ranks;
  if (needed <= available) return std::nullopt;
  return fmt::format(
      "host {} has {} of memory available, and its {} ranks need {} each, {} together; use more hosts, fewer "
      "ranks on each, a smaller micro-batch or a smaller model",
      host, report::with_unit(available), local_ranks, report::with_unit(bytes_per_rank),
      report::with_unit(needed));
}

std::optional<std::string> oversubscription_remark(std::int64_t local_ranks, std::int64_t cores,
                                                   std::string_view host) {
  if (local_ranks <= cores) return std::nullopt;
  return fmt::format(
      "host {} runs {} ranks on {} {}: they take turns, so that times say little about a machine with a core "
      "for each",
      host, local_ranks, cores, cores == 1 ? "core" : "cores");
}

std::uint64_t fingerprint(std::string_view text) {
  constexpr std::uint64_t kOffsetBasis = 0xcbf29ce484222325;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = kOffsetBasis;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

std::optional<std::string> difference_complaint(std::span<const std::uint64_t> fingerprints,
                                                std::span<const std::string> hosts, std::string_view thing) {
  for (std::size_t rank = 1; rank < fingerprints.size(); ++rank) {
    if (fingerprints[rank] == fingerprints[0]) continue;
    return fmt::format(
        "rank {} on host {} has another {} than rank 0 on host {}; all hosts need the same files and "
        "programs",
        rank, hosts[rank], thing, hosts[0]);
  }
  return std::nullopt;
}

}  // namespace foreshard
