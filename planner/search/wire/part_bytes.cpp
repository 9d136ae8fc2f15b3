#include "planner/search/wire/part_bytes.hpp"

#include "planner/search/wire/bytes.hpp"

namespace foreshard {
namespace {

template <class Stream, MaybeConst<SpacePart> Part>
void pass(Stream& bytes, Part& part) {
  auto& [candidates, plans, too_large, without_floor, programs, refusals] = part;
  bytes.values(candidates, plans, too_large, without_floor, programs, refusals.by_rule);
}

}  // namespace

std::string to_bytes(const SpacePart& part) {
  BytesWriter bytes;
  pass(bytes, part);
  return bytes.take();
}

SpacePart part_of_bytes(std::string_view bytes) {
  SpacePart part;
  BytesReader reader(bytes);
  pass(reader, part);
  reader.require_end();
  return part;
}

}  // namespace foreshard
