#include "planner/program/schedule/placement.hpp"

#include "planner/program/build/build_step_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

LayerRange range(std::int32_t first, std::int64_t count) { return {LayerId(first), count}; }

}  // namespace

TEST_CASE("round robin: piece i is chunk i / p of stage i mod p") {
  const Placement placement = Placement::along(PieceOrder::round_robin, 3, {1, 2, 1, 1, 2, 1});
  CHECK(placement.stages() == 3);
  CHECK(placement.chunks(StageId(1)) == 2);
  CHECK(placement.piece(StageId(1), ChunkId(0)).layers == range(1, 2));
  CHECK(placement.piece(StageId(1), ChunkId(1)).layers == range(5, 2));
  CHECK(placement.index(StageId(2), ChunkId(1)) == 5);
  CHECK(placement.piece(StageId(0), ChunkId(0)).has_embedding);
  CHECK(placement.piece(StageId(2), ChunkId(1)).has_head);
  CHECK_FALSE(placement.piece(StageId(2), ChunkId(0)).has_head);
  // Activations go to the next stage; from the last stage around to the first.
  for (std::size_t piece = 0; piece < 5; ++piece) CHECK(placement.way_on(piece) == Peer::next_stage);
  CHECK_FALSE(placement.way_on(5).has_value());
}

TEST_CASE("a V: out to the last stage and back") {
  //   stage   0  1  2
  //   pieces  0  1  2
  //           5  4  3
  const Placement placement = Placement::along(PieceOrder::v_shape, 3, {1, 1, 1, 1, 1, 1});
  CHECK(placement.index(StageId(0), ChunkId(1)) == 5);
  CHECK(placement.index(StageId(1), ChunkId(1)) == 4);
  CHECK(placement.index(StageId(2), ChunkId(1)) == 3);
  CHECK(placement.piece(StageId(0), ChunkId(0)).has_embedding);
  CHECK(placement.piece(StageId(0), ChunkId(1)).has_head);
  CHECK(placement.way_on(0) == Peer::next_stage);
  CHECK(placement.way_on(1) == Peer::next_stage);
  CHECK_FALSE(placement.way_on(2).has_value());  // pieces 2 and 3 stand on one stage
  CHECK(placement.way_on(3) == Peer::previous_stage);
  CHECK(placement.way_on(4) == Peer::previous_stage);
  CHECK_FALSE(placement.way_on(5).has_value());
}

TEST_CASE("one stage sends nothing on") {
  CHECK_FALSE(Placement::along(PieceOrder::round_robin, 1, {4}).way_on(0).has_value());
}

TEST_CASE("a program's chunks show its placement") {
  JobSpec job = test::golden_job();
  job.model.layers = 6;
  job.parallelism.tp = 1;
  job.parallelism.vp = 2;
  job.training.schedule = ScheduleKind::interleaved;
  // 6 layers in 4 pieces: 1, 2, 2, 1.
  CHECK(placement_of(build_step_program(job)).pieces() ==
        Placement::along(PieceOrder::round_robin, 2, {1, 2, 2, 1}).pieces());
}
