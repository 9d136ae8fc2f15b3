#include "runtime/comm/collective_shape.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "planner/units/count.hpp"
#include "runtime/device/bfloat16.hpp"

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

std::int64_t sum(std::span<const std::int64_t> elements) {
  return std::accumulate(elements.begin(), elements.end(), std::int64_t{0});
}

void check_uneven(const CollectiveCall& call, std::int64_t members, std::int64_t member) {
  if (call.pieces.size() != 1 || call.in_place || call.accumulate)
    refuse(call, "a call with uneven shares must have one piece, be not in place and not accumulate");
  const bool sends = call.kind != CollectiveKind::all_gather;
  const bool receives = call.kind != CollectiveKind::reduce_scatter;
  for (const auto& [used, elements] :
       {std::pair{sends, call.send_elements}, std::pair{receives, call.receive_elements}}) {
    if (static_cast<std::int64_t>(elements.size()) != (used ? members : 0))
      refuse(call, fmt::format("{} shares are given for {} members", elements.size(), members));
  }
  const auto share = [&](std::span<const std::int64_t> elements) {
    return elements[static_cast<std::size_t>(member)];
  };
  const std::int64_t sent = sends ? sum(call.send_elements) : share(call.receive_elements);
  const std::int64_t received = receives ? sum(call.receive_elements) : share(call.send_elements);
  const Piece& piece = call.pieces.front();
  if (piece.send.elements < sent || piece.receive.elements < received) {
    refuse(call, fmt::format("{} elements are sent from room for {}, {} received in room for {}", sent,
                             piece.send.elements, received, piece.receive.elements));
  }
}

template <class T>
T plus(T a, T b) {
  return a + b;
}
template <>
BFloat16 plus(BFloat16 a, BFloat16 b) {
  return BFloat16(static_cast<float>(a) + static_cast<float>(b));
}

template <class T>
void add(Buffer to, Buffer from) {
  T* sum = reinterpret_cast<T*>(to.data);
  const T* summand = reinterpret_cast<const T*>(from.data);
  for (std::int64_t i = 0; i < to.elements; ++i) sum[i] = plus(sum[i], summand[i]);
}

}  // namespace

Share share_of(std::int64_t elements, std::int64_t members, std::int64_t member) {
  const std::int64_t whole = ceil_divide(elements, members);
  const std::int64_t first = std::min(member * whole, elements);
  return {.first = first, .elements = std::min(whole, elements - first)};
}

std::int64_t payload_elements(const CollectiveCall& call) {
  if (call.is_uneven()) return std::max(sum(call.send_elements), sum(call.receive_elements));
  std::int64_t elements = 0;
  for (const Piece& piece : call.pieces)
    elements +=
        call.in_place ? piece.receive.elements : std::max(piece.send.elements, piece.receive.elements);
  return elements;
}

std::int64_t payload_bytes(const CollectiveCall& call) {
  return call.pieces.empty() ? 0 : payload_elements(call) * size_in_bytes(call.pieces.front().receive.type);
}

void check_collective(const CollectiveCall& call, std::int64_t members, std::int64_t member) {
  if (call.accumulate && (call.kind != CollectiveKind::reduce_scatter || call.in_place))
    refuse(call, "only a reduce-scatter that is not in place accumulates");
  if (call.is_uneven()) return check_uneven(call, members, member);
  for (const Piece& piece : call.pieces) {
    const bool alike = piece.receive.type == call.pieces.front().receive.type;
    if (!alike || (!call.in_place && piece.send.type != piece.receive.type))
      refuse(call, "its buffers are not all of one dtype");
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

Buffer part_of(Buffer buffer, Share share) { return buffer.part(share.first, share.elements); }

void copy_elements(Buffer to, Buffer from) {
  if (to.elements == 0 || to.data == from.data) return;
  std::memcpy(to.data, from.data, static_cast<std::size_t>(from.bytes()));
}

void add_elements(Buffer to, Buffer from) {
  switch (to.type) {
    case DType::fp64: return add<double>(to, from);
    case DType::bf16: return add<BFloat16>(to, from);
    default: return add<float>(to, from);
  }
}

}  // namespace foreshard
