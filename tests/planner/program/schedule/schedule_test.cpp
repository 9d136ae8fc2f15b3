#include "planner/program/schedule/schedule.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "planner/program/schedule/placement.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// "F0 B0" for one chunk per stage; "F1.0" is chunk 1's forward of micro-batch 0 where there are several.
std::string written(const ScheduleShape& shape, std::int32_t stage) {
  std::string text;
  for (const Slot& slot : stage_order(shape, StageId(stage))) {
    if (!text.empty()) text += ' ';
    text += slot.pass == Pass::forward ? 'F' : slot.pass == Pass::backward ? 'B' : 'W';
    if (shape.chunks > 1) text += std::to_string(slot.chunk.value()) + '.';
    text += std::to_string(slot.micro_batch.value());
  }
  return text;
}

/// Every shape that the schedules run up to a small size.
std::vector<ScheduleShape> small_shapes() {
  std::vector<ScheduleShape> shapes;
  for (std::int64_t p = 1; p <= 5; ++p) {
    for (std::int64_t m = 1; m <= 11; ++m) {
      shapes.push_back({ScheduleKind::gpipe, p, 1, m});
      shapes.push_back({ScheduleKind::one_f_one_b, p, 1, m});
      if (p < 2) continue;
      shapes.push_back({ScheduleKind::zero_bubble, p, 1, m});
      shapes.push_back({ScheduleKind::zero_bubble_2p, p, 1, m});
      shapes.push_back({ScheduleKind::zb_v, p, 2, m});
      if (m >= 2 * p) shapes.push_back({ScheduleKind::dualpipe_v, p, 2, m});
    }
    for (std::int64_t v = 2; p >= 2 && v <= 4; ++v)
      for (std::int64_t groups = 1; groups <= 3; ++groups)
        shapes.push_back({ScheduleKind::interleaved, p, v, groups * p});
  }
  return shapes;
}

/// Number of ticks that each pass of one chunk takes.
struct Ticks {
  std::int64_t forward = 1;
  std::int64_t backward = 1;
  std::int64_t weight = 0;    ///< if the schedule computes weight gradients separately
  std::int64_t transfer = 0;  ///< from one stage to the next

  std::int64_t of(Pass pass) const {
    return pass == Pass::forward ? forward : pass == Pass::backward ? backward : weight;
  }
};

bool splits(const ScheduleShape& shape) { return splits_backward(shape.kind); }

PieceOrder piece_order(const ScheduleShape& shape) {
  return runs_in_v(shape.kind) ? PieceOrder::v_shape : PieceOrder::round_robin;
}

/// When a stage begins its first pass and ends its last.
struct StageTime {
  std::int64_t begin = -1;
  std::int64_t end = 0;
};

/// When each stage works if it runs its order as early as its dependencies let it: list scheduling with free transfers.
/// None on a deadlock.
std::optional<std::vector<StageTime>> stage_times(const ScheduleShape& shape, const Ticks& ticks) {
  const auto stages = static_cast<std::int32_t>(shape.stages);
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> piece_of;  // by stage and chunk
  for (std::int32_t piece = 0; piece < stages * shape.chunks; ++piece) {
    const StageChunk place = place_of(piece_order(shape), shape.stages, piece);
    piece_of[{place.stage.value(), place.chunk.value()}] = piece;
  }
  const auto last_piece = static_cast<std::int32_t>(shape.stages * shape.chunks) - 1;
  using Key = std::tuple<Pass, std::int32_t, std::int32_t>;  // pass, piece of the model, micro-batch
  std::map<Key, std::int64_t> end;
  std::vector<std::vector<Slot>> orders;
  for (std::int32_t stage = 0; stage < stages; ++stage) orders.push_back(stage_order(shape, StageId(stage)));
  std::vector<std::size_t> next(orders.size(), 0);
  std::vector<StageTime> times(orders.size());

  for (bool progress = true; progress;) {
    progress = false;
    for (std::size_t stage = 0; stage < orders.size(); ++stage) {
      while (next[stage] < orders[stage].size()) {
        const Slot& slot = orders[stage][next[stage]];
        const std::int32_t piece = piece_of.at({static_cast<std::int32_t>(stage), slot.chunk.value()});
        const std::int32_t mb = slot.micro_batch.value();
        std::int64_t ready = 0;
        const auto delivered = [&](const auto& found, std::int32_t from) {
          const bool is_sent = place_of(piece_order(shape), shape.stages, from).stage.at() != stage;
          return found->second + (is_sent ? ticks.transfer : 0);
        };
        if (slot.pass == Pass::forward && piece > 0) {
          const auto found = end.find({Pass::forward, piece - 1, mb});
          if (found == end.end()) break;
          ready = delivered(found, piece - 1);
        } else if (slot.pass == Pass::backward) {
          const auto found = piece == last_piece ? end.find({Pass::forward, piece, mb})
                                                 : end.find({Pass::backward, piece + 1, mb});
          if (found == end.end()) break;
          ready = delivered(found, std::min(piece + 1, last_piece));
        }
        const std::int64_t begin = std::max(times[stage].end, ready);
        if (next[stage] == 0) times[stage].begin = begin;
        times[stage].end = begin + ticks.of(slot.pass);
        end[{slot.pass, piece, mb}] = times[stage].end;
        ++next[stage];
        progress = true;
      }
    }
  }
  for (std::size_t stage = 0; stage < orders.size(); ++stage)
    if (next[stage] != orders[stage].size()) return std::nullopt;
  return times;
}

/// From the start of the step to the end of the last stage.
std::optional<std::int64_t> makespan(const ScheduleShape& shape, const Ticks& ticks) {
  const auto times = stage_times(shape, ticks);
  if (!times) return std::nullopt;
  std::int64_t last = 0;
  for (const StageTime& stage : *times) last = std::max(last, stage.end);
  return last;
}

/// The longest of the stages' own times, from their first pass on: a step where steps overlap.
std::int64_t longest_stage(const ScheduleShape& shape, const Ticks& ticks) {
  std::int64_t longest = 0;
  const auto times = stage_times(shape, ticks);
  for (const StageTime& stage : times.value()) longest = std::max(longest, stage.end - stage.begin);
  return longest;
}

}  // namespace

TEST_CASE("gpipe runs all forwards, then all backwards, on every stage") {
  const ScheduleShape shape{ScheduleKind::gpipe, 2, 1, 3};
  CHECK(written(shape, 0) == "F0 F1 F2 B0 B1 B2");
  CHECK(written(shape, 1) == "F0 F1 F2 B0 B1 B2");
}

TEST_CASE("1f1b warms up with as many forwards as there are stages behind") {
  const ScheduleShape shape{ScheduleKind::one_f_one_b, 3, 1, 4};
  CHECK(written(shape, 0) == "F0 F1 F2 B0 F3 B1 B2 B3");
  CHECK(written(shape, 1) == "F0 F1 B0 F2 B1 F3 B2 B3");
  CHECK(written(shape, 2) == "F0 B0 F1 B1 F2 B2 F3 B3");
}

TEST_CASE("1f1b with fewer micro-batches than stages") {
  const ScheduleShape shape{ScheduleKind::one_f_one_b, 4, 1, 2};
  CHECK(written(shape, 0) == "F0 F1 B0 B1");
  CHECK(written(shape, 1) == "F0 F1 B0 B1");
  CHECK(written(shape, 2) == "F0 F1 B0 B1");
  CHECK(written(shape, 3) == "F0 B0 F1 B1");
}

TEST_CASE("interleaved 1f1b of two stages, two chunks, four micro-batches") {
  // Warm-up (p−stage−1)·2 + (v−1)·p: 4 forwards on stage 0, 2 on stage 1. Forwards go through micro-batches
  // {0,1} of chunk 0, then of chunk 1, then {2,3}; backwards through chunk 1 first.
  const ScheduleShape shape{ScheduleKind::interleaved, 2, 2, 4};
  CHECK(written(shape, 0) ==
        "F0.0 F0.1 F1.0 F1.1 F0.2 B1.0 F0.3 B1.1 F1.2 B0.0 F1.3 B0.1 B1.2 B1.3 B0.2 B0.3");
  CHECK(written(shape, 1) ==
        "F0.0 F0.1 F1.0 B1.0 F1.1 B1.1 F0.2 B0.0 F0.3 B0.1 F1.2 B1.2 F1.3 B1.3 B0.2 B0.3");
}

TEST_CASE("interleaved with as many micro-batches as stages warms up with everything") {
  const ScheduleShape shape{ScheduleKind::interleaved, 2, 2, 2};
  CHECK(written(shape, 0) == "F0.0 F0.1 F1.0 F1.1 B1.0 B1.1 B0.0 B0.1");
  CHECK(written(shape, 1) == "F0.0 F0.1 F1.0 F1.1 B1.0 B1.1 B0.0 B0.1");
}

TEST_CASE("zero-bubble of two stages and two micro-batches") {
  // No earlier stage waits for stage 0, so each of its weight passes directly follows its backward. Stage 1
  // postpones one weight pass, so that stage 0 gets B1 one pass earlier.
  const ScheduleShape shape{ScheduleKind::zero_bubble, 2, 1, 2};
  CHECK(written(shape, 0) == "F0 F1 B0 W0 B1 W1");
  CHECK(written(shape, 1) == "F0 B0 F1 B1 W0 W1");
}

TEST_CASE("zero-bubble of four stages and four micro-batches") {
  // Forwards and backwards as 1f1b; stage s runs W(i) after B(i + s), and the last s at the end.
  const ScheduleShape shape{ScheduleKind::zero_bubble, 4, 1, 4};
  CHECK(written(shape, 0) == "F0 F1 F2 F3 B0 W0 B1 W1 B2 W2 B3 W3");
  CHECK(written(shape, 1) == "F0 F1 F2 B0 F3 B1 W0 B2 W1 B3 W2 W3");
  CHECK(written(shape, 2) == "F0 F1 B0 F2 B1 F3 B2 W0 B3 W1 W2 W3");
  CHECK(written(shape, 3) == "F0 B0 F1 B1 F2 B2 F3 B3 W0 W1 W2 W3");
}

TEST_CASE("zero-bubble with fewer micro-batches than stages") {
  const ScheduleShape shape{ScheduleKind::zero_bubble, 4, 1, 2};
  CHECK(written(shape, 0) == "F0 F1 B0 W0 B1 W1");
  CHECK(written(shape, 1) == "F0 F1 B0 B1 W0 W1");
  CHECK(written(shape, 3) == "F0 B0 F1 B1 W0 W1");
}

TEST_CASE("zero-bubble-2p of two stages and four micro-batches") {
  // ZB-H2: stage 0 fills the 3 ticks until B0 comes back (F, F, B) with forwards; weight passes of stage 1 are 2 behind.
  const ScheduleShape shape{ScheduleKind::zero_bubble_2p, 2, 1, 4};
  CHECK(written(shape, 0) == "F0 F1 F2 B0 W0 F3 B1 W1 B2 W2 B3 W3");
  CHECK(written(shape, 1) == "F0 B0 F1 B1 F2 B2 W0 F3 B3 W1 W2 W3");
}

TEST_CASE("zb-v of two stages and three micro-batches") {
  // The model goes down to stage 1 as chunk 0 and up again as chunk 1, so that stage 0 has both ends.
  const ScheduleShape shape{ScheduleKind::zb_v, 2, 2, 3};
  CHECK(written(shape, 0) ==
        "F0.0 F0.1 F0.2 F1.0 B1.0 W1.0 F1.1 B1.1 W1.1 B0.0 W0.0 F1.2 B1.2 W1.2 B0.1 W0.1 B0.2 W0.2");
  CHECK(written(shape, 1) ==
        "F0.0 F1.0 F0.1 F1.1 B1.0 W1.0 F0.2 B0.0 W0.0 F1.2 B1.1 W1.1 B0.1 B1.2 B0.2 W0.1 W1.2 W0.2");
}

TEST_CASE("dualpipe-v of two stages and four micro-batches") {
  // Steps of DeepSeek's code for stage 0: 2 F0; F0 F1; I1 W1 F1; one main round F0 B1 F1 B0; B1 F1 B0; the last B1 and,
  // with weight gradients apart, B0; W0 with the next B0; W0.
  const ScheduleShape shape{ScheduleKind::dualpipe_v, 2, 2, 4};
  CHECK(written(shape, 0) ==
        "F0.0 F0.1 F0.2 F1.0 B1.0 W1.0 F1.1 F0.3 B1.1 W1.1 F1.2 B0.0 W0.0 B1.2 W1.2 F1.3 B0.1 W0.1 "
        "B1.3 W1.3 B0.2 W0.2 B0.3 W0.3");
  // Stage 1, with nothing further down the V: F0 F1 twice; two main rounds; B1 B0 whole, then both apart; W1 W0.
  CHECK(written(shape, 1) ==
        "F0.0 F1.0 F0.1 F1.1 F0.2 B1.0 W1.0 F1.2 B0.0 W0.0 F0.3 B1.1 W1.1 F1.3 B0.1 W0.1 "
        "B1.2 W1.2 B0.2 W0.2 B1.3 B0.3 W1.3 W0.3");
}

TEST_CASE("zero-bubble runs forwards and backwards in the order of 1f1b") {
  for (std::int64_t p = 2; p <= 8; ++p) {
    for (std::int64_t m = 1; m <= 24; ++m) {
      for (std::int32_t s = 0; s < p; ++s) {
        std::vector<Slot> order = stage_order({ScheduleKind::zero_bubble, p, 1, m}, StageId(s));
        std::erase_if(order, [](const Slot& slot) { return slot.pass == Pass::weight; });
        CHECK(order == stage_order({ScheduleKind::one_f_one_b, p, 1, m}, StageId(s)));
      }
    }
  }
}

TEST_CASE("every order runs each chunk and micro-batch's passes once, in their order") {
  for (const ScheduleShape& shape : small_shapes()) {
    for (std::int32_t stage = 0; stage < shape.stages; ++stage) {
      CAPTURE(shape.stages, shape.chunks, shape.micro_batches, stage);
      constexpr std::array kWay{Pass::forward, Pass::backward, Pass::weight};
      const std::size_t length = splits(shape) ? 3 : 2;
      std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> passes;  // how many have run
      bool in_order = true;
      for (const Slot& slot : stage_order(shape, StageId(stage))) {
        std::size_t& done = passes[{slot.chunk.value(), slot.micro_batch.value()}];
        in_order = in_order && done < length && slot.pass == kWay.at(done);
        ++done;
      }
      CHECK(in_order);
      CHECK(passes.size() == static_cast<std::size_t>(shape.chunks * shape.micro_batches));
      CHECK(std::all_of(passes.begin(), passes.end(),
                        [&](const auto& entry) { return entry.second == length; }));
    }
  }
}

TEST_CASE("the last micro-batch is the last to run each pass on each chunk") {
  for (const ScheduleShape& shape : small_shapes()) {
    for (std::int32_t stage = 0; stage < shape.stages; ++stage) {
      std::map<std::pair<std::int32_t, Pass>, std::int32_t> last;
      for (const Slot& slot : stage_order(shape, StageId(stage)))
        last[{slot.chunk.value(), slot.pass}] = slot.micro_batch.value();
      for (const auto& [pass, micro_batch] : last) {
        if (pass.second != Pass::forward) CHECK(micro_batch == shape.micro_batches - 1);
      }
    }
  }
}

TEST_CASE("peak in flight and warm-up are those of the order") {
  for (const ScheduleShape& shape : small_shapes()) {
    for (std::int32_t stage = 0; stage < shape.stages; ++stage) {
      CAPTURE(shape.stages, shape.chunks, shape.micro_batches, stage);
      std::int64_t in_flight = 0;
      std::int64_t peak = 0;
      std::int64_t leading_forwards = 0;
      bool seen_backward = false;
      for (const Slot& slot : stage_order(shape, StageId(stage))) {
        if (slot.pass == Pass::forward) ++in_flight;
        if (slot.pass == (splits(shape) ? Pass::weight : Pass::backward)) --in_flight;
        peak = std::max(peak, in_flight);
        seen_backward = seen_backward || slot.pass == Pass::backward;
        if (!seen_backward) ++leading_forwards;
      }
      CHECK(peak_in_flight(shape, StageId(stage)) == peak);
      CHECK(warm_up_forwards(shape, StageId(stage)) == leading_forwards);
      if (shape.kind == ScheduleKind::one_f_one_b)
        CHECK(peak_in_flight(shape, StageId(stage)) == std::min(shape.micro_batches, shape.stages - stage));
      // Of the p micro-batches that 1f1b holds on its first stage, on every stage.
      if (shape.kind == ScheduleKind::zero_bubble)
        CHECK(peak_in_flight(shape, StageId(stage)) == std::min(shape.micro_batches, shape.stages));
      // Qi et al. 2024, section 2.3: ZB-H2 holds 2p - 1, about twice as many, on every stage.
      if (shape.kind == ScheduleKind::zero_bubble_2p)
        CHECK(peak_in_flight(shape, StageId(stage)) == std::min(shape.micro_batches, 2 * shape.stages - 1));
      // Section 6: ZB-V holds 2p halves of a stage's layers, as much as 1f1b on its first stage.
      if (shape.kind == ScheduleKind::zb_v && shape.micro_batches >= 2 * shape.stages - 1)
        CHECK(peak_in_flight(shape, StageId(stage)) == 2 * shape.stages);
      // DeepSeek's table: PP + 1 of PP = 2p pieces.
      if (shape.kind == ScheduleKind::dualpipe_v)
        CHECK(peak_in_flight(shape, StageId(stage)) == 2 * shape.stages + 1);
    }
  }
}

TEST_CASE("with equal stages and free transfers the bubble is (p-1)/(vm + p-1) exactly") {
  for (const ScheduleShape& shape : small_shapes()) {
    if (splits(shape)) continue;
    for (const std::int64_t backward : {1, 2, 3}) {
      CAPTURE(static_cast<int>(shape.kind), shape.stages, shape.chunks, shape.micro_batches, backward);
      const std::int64_t per_chunk = 1 + backward;
      const std::int64_t busy = shape.chunks * shape.micro_batches * per_chunk;
      const std::optional<std::int64_t> length = makespan(shape, {.forward = 1, .backward = backward});
      REQUIRE(length.has_value());
      // A chunk is 1/v of a stage: (p−1)/v slots of v·per_chunk ticks are (p−1)·per_chunk ticks.
      CHECK(*length == busy + (shape.stages - 1) * per_chunk);
      const auto idle = static_cast<double>(*length - busy);
      CHECK(bubble_fraction(shape) == Approx(idle / static_cast<double>(*length)).epsilon(1e-15));
      CHECK(bubble_slots(shape) ==
            Approx(idle / static_cast<double>(shape.chunks * per_chunk)).epsilon(1e-15));
    }
  }
}

TEST_CASE("the bubble of split schedules with passes of equal length") {
  for (const ScheduleShape& shape : small_shapes()) {
    if (!splits(shape)) continue;
    CAPTURE(static_cast<int>(shape.kind), shape.stages, shape.chunks, shape.micro_batches);
    const Ticks equal{.forward = 1, .backward = 1, .weight = 1};
    const std::int64_t work = 3 * shape.chunks * shape.micro_batches;
    const std::optional<std::int64_t> length = makespan(shape, equal);
    REQUIRE(length.has_value());
    const auto idle = static_cast<double>(*length - work);
    CHECK(bubble_fraction(shape) == Approx(idle / static_cast<double>(*length)).epsilon(1e-15));
    CHECK(bubble_slots(shape) == Approx(idle / static_cast<double>(3 * shape.chunks)).epsilon(1e-15));
    // From the first stage's start to the last one's end p - 1 passes are idle on every stage, if there are micro-batches
    // enough: the last stage gets its first activations so late.
    const bool is_full = shape.micro_batches >= 2 * shape.stages - 1;
    if (is_full) CHECK(idle == static_cast<double>(shape.stages - 1));
    // Where steps overlap, these are hidden: "zero bubble" (Qi et al. 2024, sections 2.3 and 6, T_F = T_B = T_W).
    const bool has_none = shape.kind == ScheduleKind::zero_bubble_2p || shape.kind == ScheduleKind::zb_v;
    if (is_full && has_none) CHECK(longest_stage(shape, equal) == work);
    if (shape.kind == ScheduleKind::zero_bubble && is_full)
      CHECK(longest_stage(shape, equal) == work + shape.stages - 1);
  }
}

TEST_CASE("the bubbles that Qi et al. 2024 computed from measured passes of jobs of 8 and 16 stages") {
  // p, m, T_F, T_B, T_W, T_comm in microseconds, and the share of the step that is idle with ZB-H1, ZB-H2 and ZB-2p, for
  // which they searched the order. Tables 5 and 8; sail-sg/zero-bubble-pipeline-parallelism, branch arxiv,
  // megatron/core/pipeline_parallel/efficiency.py. A step is the slowest stage's own time.
  struct Row {
    std::int64_t p, m, f, b, w, comm;
    double h1, h2, searched;
    std::int64_t lag;  ///< ceil((T_F + T_B) / T_W)
  };
  const std::array rows{Row{8, 24, 18'522, 18'086, 9337, 601, 0.1585, 0.1083, 0.0433, 4},
                        Row{8, 32, 18'513, 18'086, 9331, 626, 0.1242, 0.0837, 0.0039, 4},
                        Row{8, 64, 18'546, 18'097, 9321, 762, 0.0674, 0.0444, 0.0026, 4},
                        Row{8, 24, 29'718, 29'444, 19'927, 527, 0.1323, 0.0698, 0.0029, 3},
                        Row{8, 32, 29'802, 29'428, 19'530, 577, 0.1045, 0.0559, 0.0022, 4},
                        Row{8, 64, 29'935, 29'621, 19'388, 535, 0.0554, 0.0294, 0.0010, 4},
                        Row{16, 48, 11'347, 11'248, 8132, 377, 0.1397, 0.0672, 0.0066, 3},
                        Row{16, 64, 11'307, 11'254, 8101, 379, 0.1088, 0.0516, 0.0054, 3},
                        Row{16, 128, 11'325, 11'308, 8109, 378, 0.0576, 0.0266, 0.0028, 3}};
  for (const Row& row : rows) {
    CAPTURE(row.p, row.m);
    CHECK((row.f + row.b + row.w - 1) / row.w == row.lag);
    const Ticks ticks{.forward = row.f, .backward = row.b, .weight = row.w, .transfer = row.comm};
    const double work = static_cast<double>(row.m * (row.f + row.b + row.w));
    const auto idle = [&](ScheduleKind kind, std::int64_t lag) {
      const ScheduleShape shape{.kind = kind, .stages = row.p, .micro_batches = row.m, .weight_lag = lag};
      return 1.0 - work / static_cast<double>(longest_stage(shape, ticks));
    };
    CHECK(idle(ScheduleKind::zero_bubble, 1) == Approx(row.h1).margin(5.1e-5));
    CHECK(idle(ScheduleKind::zero_bubble_2p, 2) == Approx(row.h2).margin(5.1e-5));
    CHECK(idle(ScheduleKind::zero_bubble_2p, row.lag) == Approx(row.searched).margin(5.1e-5));
  }
}

TEST_CASE("the bubble of zero-bubble with passes of equal length") {
  for (const ScheduleShape& shape : small_shapes()) {
    if (shape.kind != ScheduleKind::zero_bubble) continue;
    CAPTURE(shape.stages, shape.micro_batches);
    const auto [kind, p, v, m, in_turns, lag] = shape;
    const std::optional<std::int64_t> length = makespan(shape, {.forward = 1, .backward = 1, .weight = 1});
    REQUIRE(length.has_value());
    // (p−1)·(F + B − W) where there are weight gradients enough to put off. Else the last stage is through
    // with its backwards after p−1 + 2m ticks, p−1 later the first stage is, and runs its last weight pass.
    CHECK(*length == (m >= p ? 3 * m + p - 1 : 2 * (p - 1 + m) + 1));
    const auto idle = static_cast<double>(*length - 3 * m);
    CHECK(bubble_fraction(shape) == Approx(idle / static_cast<double>(*length)).epsilon(1e-15));
    CHECK(bubble_slots(shape) == Approx(idle / 3.0).epsilon(1e-15));
  }
}

TEST_CASE("the bubble of a known shape") {
  // 4 stages, 256 micro-batches: 3 of 259 slots.
  CHECK(bubble_fraction({ScheduleKind::one_f_one_b, 4, 1, 256}) == Approx(3.0 / 259.0));
  // Two chunks halve the time lost: 3 of 2·256 + 3.
  CHECK(bubble_fraction({ScheduleKind::interleaved, 4, 2, 256}) == Approx(3.0 / 515.0));
  CHECK(bubble_slots({ScheduleKind::interleaved, 4, 2, 256}) == 1.5);
  // Three of 3·256 + 3 thirds of a slot.
  CHECK(bubble_fraction({ScheduleKind::zero_bubble, 4, 1, 256}) == Approx(3.0 / 771.0));
}

TEST_CASE("shapes that a schedule cannot run are refused") {
  const auto refused = [](const ScheduleShape& shape, std::int32_t stage = 0) {
    CHECK_THROWS_AS(stage_order(shape, StageId(stage)), std::invalid_argument);
    CHECK_THROWS_AS(warm_up_forwards(shape, StageId(stage)), std::invalid_argument);
    CHECK_THROWS_AS(peak_in_flight(shape, StageId(stage)), std::invalid_argument);
  };
  refused({ScheduleKind::interleaved, 4, 2, 6});     // 6 is not a multiple of 4
  refused({ScheduleKind::interleaved, 1, 2, 4});     // one stage
  refused({ScheduleKind::interleaved, 4, 1, 8});     // one chunk
  refused({ScheduleKind::one_f_one_b, 4, 2, 8});     // chunks without interleaving
  refused({ScheduleKind::gpipe, 4, 2, 8});           // likewise
  refused({ScheduleKind::gpipe, 4, 1, 0});           // nothing to do
  refused({ScheduleKind::one_f_one_b, 4, 1, 8}, 4);  // stages are 0 … 3
  refused({ScheduleKind::zero_bubble, 1, 1, 8});     // one stage
  refused({ScheduleKind::zero_bubble, 4, 2, 8});     // chunks
  refused({ScheduleKind::zero_bubble_2p, 4, 2, 8});  // likewise
  refused({ScheduleKind::zb_v, 1, 2, 8});            // one stage
  refused({ScheduleKind::zb_v, 4, 1, 8});            // one chunk
  refused({ScheduleKind::zb_v, 4, 3, 8});            // three chunks
  refused({ScheduleKind::dualpipe_v, 4, 2, 7});      // fewer than 2p micro-batches
  CHECK_THROWS_WITH(bubble_fraction({ScheduleKind::zero_bubble, 1, 1, 8}),
                    ContainsSubstring("the zero-bubble schedule needs at least two stages of one chunk"));
}
