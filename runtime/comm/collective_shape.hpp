#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// One member's share of a buffer: a range of elements.
struct Share {
  std::int64_t first = 0;
  std::int64_t elements = 0;
  friend constexpr bool operator==(const Share&, const Share&) = default;
};

/// The share of `member` when N elements are split over n members: ceil(N/n) each; the last ones are shorter
/// or empty.
/// Example: 10 elements over 4 members give 3, 3, 3, 1; over 7 members 2, 2, 2, 2, 2, 0, 0.
Share share_of(std::int64_t elements, std::int64_t members, std::int64_t member);

/// Elements of the unsplit buffers of all pieces: of what is reduced, of the gather's result, of the
/// scatter's input.
std::int64_t payload_elements(const CollectiveCall& call);
/// The same in bytes.
std::int64_t payload_bytes(const CollectiveCall& call);

/// Checks the sizes of a call that `member` of `members` makes.
/// @throws std::invalid_argument with the sizes if they do not match, or if the buffers differ in dtype
void check_collective(const CollectiveCall& call, std::int64_t members, std::int64_t member);

/// The part of a buffer that a share describes.
Buffer part_of(Buffer buffer, Share share);
/// to = from. Both have the same size. They may be the same buffer, or empty.
void copy_elements(Buffer to, Buffer from);
/// to += from. Both have the same size.
void add_elements(Buffer to, Buffer from);

}  // namespace foreshard
