#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

// Checks before a run starts. Each returns an error message, or nothing if all is well.

/// Compares the number of the job's devices with the number of ranks that were started. `command` is the
/// command that mpirun runs: "foreshard-run validate job.yaml".
std::optional<std::string> rank_count_complaint(const ParallelismSpec& parallelism, std::int64_t ranks,
                                                std::string_view command);

/// Compares the memory that all ranks of one host need with the memory that the host has available.
std::optional<std::string> memory_complaint(Bytes bytes_per_rank, std::int64_t local_ranks, Bytes available,
                                            std::string_view host);

/// A remark, not an error: ranks that share a core take turns, so their times are not those of ranks with a
/// core each.
std::optional<std::string> oversubscription_remark(std::int64_t local_ranks, std::int64_t cores,
                                                   std::string_view host);

/// A hash of a text: 64-bit FNV-1a. Source: Fowler, Noll, Vo, RFC 9923.
std::uint64_t fingerprint(std::string_view text);

/// Compares the hashes of what each rank has read (from MpiSession::gather): all ranks must have read the
/// same `thing`, for example "job".
std::optional<std::string> difference_complaint(std::span<const std::uint64_t> fingerprints,
                                                std::span<const std::string> hosts, std::string_view thing);

}  // namespace foreshard
