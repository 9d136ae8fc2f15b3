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

/// Bytes that one element takes in buffers.
std::int64_t element_bytes(WireType wire);

/// Elements of the whole buffer that the operation works on, over all pieces: what is reduced, or what stands
/// on a rank after the gather or before the scatter.
std::int64_t payload_elements(const CollectiveCall& call);

/// Holds the sizes of a call's pieces to one another, as `member` of `members` makes it.
/// @throws std::invalid_argument naming the sizes
void check_collective(const CollectiveCall& call, std::int64_t members, std::int64_t member);

/// The elements from `first` on.
Buffer part_of(Buffer buffer, Share share, WireType wire);
/// to = from. Alike in size; may be the same, or empty.
void copy_elements(Buffer to, Buffer from, WireType wire);
/// to += from. Alike in size.
void add_elements(Buffer to, Buffer from, WireType wire);

}  // namespace foreshard
