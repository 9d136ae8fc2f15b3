#include "runtime/comm/operation_note.hpp"

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("a note has the operation, the collective and its number in the group's order") {
  OperationNote note;
  CHECK(operation_words(note.read()) == "no operation of the step");
  note.begin("qkv", LayerId(3), MicroBatch(1));
  CHECK(operation_words(note.read()) == "\"qkv\" of layer 3, micro-batch 1");
  CHECK(wire_words(note.read()) == "nothing");
  note.enter_collective(WireState::all_reduce, GroupKind::tp);
  note.leave();
  note.enter_collective(WireState::all_gather, GroupKind::dp_cp);
  CHECK(wire_words(note.read()) == "all-gather number 0 of its dp-cp group");
  note.leave();
  note.enter_collective(WireState::all_reduce, GroupKind::tp);
  CHECK(wire_words(note.read()) == "all-reduce number 1 of its tp group");
  note.leave();
  note.enter_transfer(WireState::receive, Rank(5));
  CHECK(wire_words(note.read()) == "a transfer from rank 5");
  note.leave();
  note.idle();
  CHECK(operation_words(note.read()) == "no operation of the step");
}

TEST_CASE("every change counts as progress, and long names are cut") {
  OperationNote note;
  const std::uint64_t before = note.read().changes;
  const std::string name(200, 'x');
  note.begin(name.c_str(), LayerId(0), MicroBatch(0));
  CHECK(note.read().changes > before);
  CHECK(std::string(note.read().name.data()) == std::string(RankActivity::kNameLength - 1, 'x'));
}

TEST_CASE("a reader never sees a partial change") {
  OperationNote note;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // Layer and micro-batch always change together.
    for (std::int32_t i = 0; !stop; i = (i + 1) % 1000) note.begin("op", LayerId(i), MicroBatch(i));
  });
  int torn = 0;
  for (int i = 0; i < 100'000; ++i) {
    const RankActivity seen = note.read();
    if (seen.layer.value() != seen.micro_batch.value()) ++torn;
  }
  stop = true;
  writer.join();
  CHECK(torn == 0);
}

}  // namespace
}  // namespace foreshard::test
