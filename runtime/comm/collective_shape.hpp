#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// Where one member's share of a buffer lies.
struct Share {
  std::int64_t first = 0;
  std::int64_t elements = 0;
  friend constexpr bool operator==(const Share&, const Share&) = default;
};

/// Share number `member` of `elements` cut for `members`: ceil(N/n) each, the last ones short or empty.
Share share_of(std::int64_t elements, std::int64_t members, std::int64_t member);

/// Elements of the whole buffer that the operation works on, over all pieces: what is reduced, or what stands
/// on a rank after the gather or before the scatter.
std::int64_t payload_elements(const CollectiveCall& call);
/// The bytes of those.
std::int64_t payload_bytes(const CollectiveCall& call);

/// Holds the sizes of a call's pieces to one another, as `member` of `members` makes it.
/// @throws std::invalid_argument naming the sizes, or where the buffers are not all of one dtype
void check_collective(const CollectiveCall& call, std::int64_t members, std::int64_t member);

/// Where a share of a buffer stands.
Buffer part_of(Buffer buffer, Share share);
/// to = from. Alike in size; may be the same, or empty.
void copy_elements(Buffer to, Buffer from);
/// to += from. Alike in size.
void add_elements(Buffer to, Buffer from);

}  // namespace foreshard
