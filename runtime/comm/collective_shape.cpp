#include "runtime/comm/collective_shape.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

[[noreturn]] void refuse(const CollectiveCall& call, const std::string& what) {
  throw std::invalid_argument(fmt::format("{} of {}: {}", to_string(call.kind), to_string(call.group), what));
}

void expect_elements(const CollectiveCall& call, const char* name, std::int64_t found,
                     std::int64_t expected) {
  if (found != expected)
    refuse(call, fmt::format("{} has {} elements where {} are needed", name, found, expected));
}

template <class T>
void add(Buffer to, Buffer from) {
  T* sum = reinterpret_cast<T*>(to.data);
  const T* summand = reinterpret_cast<const T*>(from.data);
  for (std::int64_t i = 0; i < to.elements; ++i) sum[i] += summand[i];
}

}  // namespace

Share share_of(std::int64_t elements, std::int64_t members, std::int64_t member) {
  const std::int64_t whole = ceil_divide(elements, members);
  const std::int64_t first = std::min(member * whole, elements);
  return {.first = first, .elements = std::min(whole, elements - first)};
}

std::int64_t element_bytes(WireType wire) { return wire == WireType::fp64 ? 8 : 4; }

std::int64_t payload_elements(const CollectiveCall& call) {
  std::int64_t elements = 0;
  for (const Piece& piece : call.pieces)
    elements +=
        call.in_place ? piece.receive.elements : std::max(piece.send.elements, piece.receive.elements);
  return elements;
}

void check_collective(const CollectiveCall& call, std::int64_t members, std::int64_t member) {
  if (call.accumulate && (call.kind != CollectiveKind::reduce_scatter || call.in_place))
    refuse(call, "only a reduce-scatter that is not in place accumulates");
  for (const Piece& piece : call.pieces) {
    const std::int64_t sent = piece.send.elements;
    const std::int64_t received = piece.receive.elements;
    if (call.kind == CollectiveKind::all_to_all && received % members != 0)
      refuse(call, fmt::format("{} elements do not make {} equal parts", received, members));
    if (call.in_place) continue;
    switch (call.kind) {
      case CollectiveKind::all_reduce:
      case CollectiveKind::all_to_all: expect_elements(call, "receive", received, sent); break;
      case CollectiveKind::all_gather:
        expect_elements(call, "send", sent, share_of(received, members, member).elements);
        break;
      case CollectiveKind::reduce_scatter:
        expect_elements(call, "receive", received, share_of(sent, members, member).elements);
        break;
    }
  }
}

Buffer part_of(Buffer buffer, Share share, WireType wire) {
  return {.data = buffer.data + share.first * element_bytes(wire), .elements = share.elements};
}

void copy_elements(Buffer to, Buffer from, WireType wire) {
  if (to.elements == 0 || to.data == from.data) return;
  std::memcpy(to.data, from.data, static_cast<std::size_t>(from.elements * element_bytes(wire)));
}

void add_elements(Buffer to, Buffer from, WireType wire) {
  if (wire == WireType::fp64) {
    add<double>(to, from);
  } else {
    add<float>(to, from);
  }
}

}  // namespace foreshard
