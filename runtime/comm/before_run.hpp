#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "planner/spec/job/job_spec.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

// What is wrong with a run, said before it starts. Each returns the message, or nothing where all is well.

/// The job's devices against the ranks that were started; `command` is what mpirun is to run:
/// "foreshard-run validate job.yaml".
std::optional<std::string> rank_count_complaint(const ParallelismSpec& parallelism, std::int64_t ranks,
                                                std::string_view command);

/// What the ranks of one host need together against what it has.
std::optional<std::string> memory_complaint(Bytes bytes_per_rank, std::int64_t local_ranks, Bytes available,
                                            std::string_view host);

/// A remark, not an error: ranks that share cores run in turns, and their times say little.
std::optional<std::string> oversubscription_remark(std::int64_t local_ranks, std::int64_t cores,
                                                   std::string_view host);

/// A number that tells texts apart: 64-bit FNV-1a. Source: Fowler, Noll, Vo, RFC 9923.
std::uint64_t fingerprint(std::string_view text);

/// Fingerprints of what each rank has read (MpiSession::gather): all must have read the same `thing`, "job".
std::optional<std::string> difference_complaint(std::span<const std::uint64_t> fingerprints,
                                                std::span<const std::string> hosts, std::string_view thing);

}  // namespace foreshard
