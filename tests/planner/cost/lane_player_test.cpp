// Times of a rank's lanes for consecutive blocks. Durations are chosen so that the answer is easy to see:
// only the named operations take time.
#include "planner/cost/step/lane_player.hpp"

#include <map>
#include <string>

#include "planner/program/build/build_step_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

using Durations = std::map<std::string, double>;  // seconds, by name of the operation or "name (phase)"

OpTimes times_of(const StepProgram& program, const Durations& durations) {
  OpTimes times;
  for (const Block& block : program.blocks) {
    auto& ops = times.emplace_back();
    for (const Op& op : block.ops) {
      auto found = durations.find(op.name + " (" + std::string(to_string(op.phase)) + ")");
      if (found == durations.end()) found = durations.find(op.name);
      ops.push_back({.time = Seconds(found == durations.end() ? 0.0 : found->second)});
    }
  }
  return times;
}

/// Runs of these blocks, for layers 0, 1, 2 …, backward passes for descending ones.
std::vector<Run> runs_of_blocks(const StepProgram& program, const std::vector<std::string>& blocks) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t block = block_index(program, blocks[i]);
    const bool goes_down = program.blocks[block].pass == Pass::backward;
    const std::size_t layer = goes_down ? blocks.size() - 1 - i : i;
    runs.push_back({{BlockId(block), LayerId(layer)}, ChunkId(), MicroBatch(), true});
  }
  return runs;
}

/// The time at which the compute lane has ended these blocks and the communication that blocks it.
LaneTimes times_behind(const JobSpec& job, const std::vector<std::string>& blocks,
                       const Durations& durations) {
  const StepProgram program = build_step_program(job);
  const LanePlan plan = plan_lanes(program, times_of(program, durations));
  const std::vector<Run> runs = runs_of_blocks(program, blocks);
  LanePlayer player(plan, runs, {});
  return player.play(std::array{runs.size()}).front().times;
}

/// The time at which every lane has ended these blocks.
LaneTimes times_at_end(const JobSpec& job, const std::vector<std::string>& blocks,
                       const Durations& durations) {
  const StepProgram program = build_step_program(job);
  const LanePlan plan = plan_lanes(program, times_of(program, durations));
  const std::vector<Run> runs = runs_of_blocks(program, blocks);
  LanePlayer player(plan, runs, {});
  player.play({});
  return player.end();
}

/// The time that the last of four consecutive equal blocks adds.
LaneTimes added_by_last(const JobSpec& job, const std::string& block, const Durations& durations) {
  return times_behind(job, std::vector<std::string>(4, block), durations) -
         times_behind(job, std::vector<std::string>(3, block), durations);
}

double exposed(const LaneTimes& times, CommAxis axis) {
  return times.exposed[static_cast<std::size_t>(axis)].value();
}

JobSpec llama() {
  return llama_job(llama_shaped(4, 64, 128, 8, 8, 512),
                   {.sequence = 32, .micro_batch = 1, .global_batch = 8});
}

}  // namespace

TEST_CASE("lanes: without overlap, every bucket of a synchronisation holds compute") {
  // Five tensors of a layer in a bucket of 25 MiB: the norm, then each large matrix alone.
  JobSpec job = sharded(llama_job(llama_shaped(4, 2048, 4096, 16, 16, 512),
                                  {.sequence = 32, .micro_batch = 1, .global_batch = 4}),
                        {.dp = 4});
  job.training.overlap.dp = false;
  const LaneTimes held = times_behind(job, {"dense_layer x 1 sync"}, {{"reduce gradients", 3.0}});
  CHECK(held.total().value() == 15.0);
  CHECK(exposed(held, CommAxis::dp) == 15.0);
  job.training.overlap.dp = true;
  CHECK(times_behind(job, {"dense_layer x 1 sync"}, {{"reduce gradients", 3.0}}).total().value() == 0.0);
}

TEST_CASE("lanes: what the next block reads is waited for") {
  const LaneTimes embedding =
      times_behind(sharded(llama(), {.tp = 2}), {"embedding forward", "dense_layer forward"},
                   {{"embedding", 1.0}, {"all-reduce embedding", 3.0}});
  CHECK(embedding.total().value() == 4.0);
  CHECK(embedding.compute.value() == 1.0);
  CHECK(exposed(embedding, CommAxis::tp) == 3.0);

  JobSpec scattered = sharded(llama(), {.tp = 2, .pp = 2});
  scattered.framework = Framework::megatron;
  CHECK(exposed(times_behind(scattered, {"receive forward", "dense_layer forward"}, {{"gather slices", 2.0}}),
                CommAxis::tp) == 2.0);

  const JobSpec cut = sharded(llama(), {.tp = 2, .sequence_parallel = true});
  CHECK(exposed(times_at_end(cut, {"dense_layer partial sync"}, {{"all-reduce partial gradients", 2.0}}),
                CommAxis::tp) == 2.0);

  JobSpec tied = sharded(llama(), {.pp = 2});
  tied.model.tied_embeddings = true;
  CHECK(exposed(times_at_end(tied, {"tied sync"}, {{"all-reduce tied table", 2.0}}), CommAxis::pp) == 2.0);
}

TEST_CASE("lanes: backward's all-reduce hides behind the weight gradient, or holds it") {
  JobSpec job = sharded(llama(), {.tp = 2});
  const Durations durations{{"all-reduce d.ffn_norm.out", 3.0},
                            {"all-reduce d.attn_norm.out", 3.0},
                            {"gate_up (backward_weight)", 2.0},
                            {"qkv (backward_weight)", 2.0}};
  job.training.overlap.tp = TpOverlap::none;
  const LaneTimes held = added_by_last(job, "dense_layer backward", durations);
  CHECK(held.total().value() == 10.0);
  CHECK(exposed(held, CommAxis::tp) == 6.0);
  job.training.overlap.tp = TpOverlap::wgrad;
  const LaneTimes hidden = added_by_last(job, "dense_layer backward", durations);
  CHECK(hidden.total().value() == 6.0);
  CHECK(hidden.compute.value() == 4.0);
  CHECK(exposed(hidden, CommAxis::tp) == 2.0);
}

TEST_CASE("lanes: a layer's weights are gathered behind the layer before") {
  JobSpec job = sharded(llama(), {.dp = 4, .zero = 3});
  job.training.overlap.dp = true;
  const LaneTimes hidden =
      added_by_last(job, "dense_layer forward", {{"gather weights", 1.0}, {"down", 2.0}});
  CHECK(hidden.total().value() == 2.0);
  CHECK(exposed(hidden, CommAxis::dp) == 0.0);
  const LaneTimes paced = added_by_last(job, "dense_layer forward", {{"gather weights", 3.0}, {"down", 2.0}});
  CHECK(paced.total().value() == 3.0);
  CHECK(exposed(paced, CommAxis::dp) == 1.0);
  job.training.overlap.dp = false;
  const LaneTimes held = added_by_last(job, "dense_layer forward", {{"gather weights", 3.0}, {"down", 2.0}});
  CHECK(held.total().value() == 5.0);
  CHECK(exposed(held, CommAxis::dp) == 3.0);
}

TEST_CASE("lanes: a transfer that does not overlap holds its sender") {
  JobSpec job = sharded(llama(), {.pp = 2});
  job.training.overlap.pp = false;
  CHECK(exposed(times_behind(job, {"send forward"}, {{"send forward", 2.0}}), CommAxis::pp) == 2.0);
  job.training.overlap.pp = true;
  CHECK(times_behind(job, {"send forward"}, {{"send forward", 2.0}}).total().value() == 0.0);
}

namespace {

/// A kernel or a communication of a plan made by hand, on tensors that last for the step.
struct HandOp {
  double seconds = 0.0;
  std::optional<GroupKind> group{};  ///< none: a kernel
  std::vector<std::uint32_t> reads{};
  std::vector<std::uint32_t> writes{};
  double host = 0.0;                      ///< of a host point; 0: the operation does not wait for the host
  std::optional<std::uint32_t> awaits{};  ///< a tensor that the host then waits for
};

LanePlan one_block(const std::vector<HandOp>& ops) {
  LanePlan plan;
  plan.tensors.assign(8, {Lifetime::step, false});
  for (const HandOp& op : ops) {
    LaneOp planned{.seconds = op.seconds, .is_kernel = true, .host = op.host, .is_host_point = op.host > 0.0};
    if (op.awaits) {
      planned.stops_host = true;
      planned.awaited = {*op.awaits, 0, Access::read};
    }
    if (op.group) {
      planned.is_kernel = false;
      planned.queue = static_cast<std::size_t>(lane_of(*op.group));
      planned.axis = axis_of(*op.group);
    }
    planned.first_use = static_cast<std::uint32_t>(plan.uses.size());
    for (const std::uint32_t tensor : op.reads) plan.uses.push_back({tensor, 0, Access::read});
    for (const std::uint32_t tensor : op.writes) plan.uses.push_back({tensor, 0, Access::write});
    planned.uses = static_cast<std::uint32_t>(plan.uses.size()) - planned.first_use;
    plan.ops.push_back(planned);
  }
  plan.first_op = {0, static_cast<std::uint32_t>(plan.ops.size())};
  return plan;
}

LaneTimes play_block(const std::vector<HandOp>& ops, std::size_t times = 1,
                     const Interference& interference = {}) {
  const LanePlan plan = one_block(ops);
  const std::vector<Run> runs(times, Run{{BlockId(0), LayerId(0)}, ChunkId(), MicroBatch(), false});
  LanePlayer player(plan, runs, interference);
  player.play({});
  return player.end();
}

}  // namespace

TEST_CASE("lanes: a wait for several communications in a row is each one's for as long as it runs") {
  // A kernel of 1 s, an all-to-all of 5 s of its result, a gather of 1 s of that, a kernel of 1 s.
  const LaneTimes times = play_block({{.seconds = 1.0, .writes = {0}},
                                      {.seconds = 5.0, .group = GroupKind::ep, .reads = {0}, .writes = {1}},
                                      {.seconds = 1.0, .group = GroupKind::tp, .reads = {1}, .writes = {2}},
                                      {.seconds = 1.0, .reads = {2}}});
  CHECK(times.compute.value() == 2.0);
  CHECK(exposed(times, CommAxis::ep) == 5.0);
  CHECK(exposed(times, CommAxis::tp) == 1.0);
  CHECK(times.total().value() == 8.0);
}

TEST_CASE("lanes: a write waits for the communication that still reads") {
  // Twice: a kernel of 1 s writes a tensor, which is then sent in 3 s. The second kernel waits until 4, its
  // communication from 5 to 8.
  const LaneTimes times = play_block(
      {{.seconds = 1.0, .writes = {0}}, {.seconds = 3.0, .group = GroupKind::dp, .reads = {0}}}, 2);
  CHECK(times.total().value() == 8.0);
  CHECK(times.compute.value() == 2.0);
  CHECK(exposed(times, CommAxis::dp) == 6.0);
}

TEST_CASE("lanes: kernels run at what communication leaves them, for as long as it runs") {
  // Behind a kernel of 1 s a communication of 4 s, which leaves half: a kernel of 3 s does 2 s of its work
  // until 5 and the rest by 6.
  const LaneTimes times = play_block({{.seconds = 1.0, .writes = {0}},
                                      {.seconds = 4.0, .group = GroupKind::dp, .reads = {0}},
                                      {.seconds = 3.0}},
                                     1, {.communication_share = 0.5, .read_back = Seconds(0.0)});
  CHECK(times.compute.value() == 6.0);
  CHECK(times.total().value() == 6.0);
}

TEST_CASE(
    "lanes: of communications at a time the one that takes most counts, exchanges of tokens have a share of "
    "their own") {
  // Behind a kernel of 1 s an exchange of 4 s that takes half, and a communication of 8 s that takes a fifth. A kernel of
  // 6 s does 2 s of its work until 5, 3.2 s until 9, and the last 0.8 s alone.
  const LaneTimes times =
      play_block({{.seconds = 1.0, .writes = {0}},
                  {.seconds = 4.0, .group = GroupKind::ep, .reads = {0}},
                  {.seconds = 8.0, .group = GroupKind::dp, .reads = {0}},
                  {.seconds = 6.0}},
                 1, {.communication_share = 0.2, .read_back = Seconds(0.0), .exchange_share = 0.5});
  CHECK(times.compute.value() == Approx(9.8));
}

TEST_CASE("lanes: a kernel starts no earlier than the host has issued it") {
  // Twice: a kernel of 1 s, which the host issues in 4 s.
  const LaneTimes times = play_block({{.seconds = 1.0, .host = 4.0}}, 2);
  CHECK(times.host.value() == 7.0);  // until 4, from 5 to 8
  CHECK(times.compute.value() == 2.0);
}

TEST_CASE("lanes: a communication starts no earlier than the host has issued it") {
  // A kernel [5, 6), issued at 5. An all-reduce of its result, issued at 25: [25, 35). A kernel of its result,
  // issued at 30: [35, 36). From 6 to 25 the device waits for the host, from 25 to 35 for the links.
  const LaneTimes times =
      play_block({{.seconds = 1.0, .writes = {0}, .host = 5.0},
                  {.seconds = 10.0, .group = GroupKind::tp, .reads = {0}, .writes = {1}, .host = 20.0},
                  {.seconds = 1.0, .reads = {1}, .host = 5.0}});
  CHECK(times.compute.value() == 2.0);
  CHECK(times.host.value() == 5.0 + 19.0);
  CHECK(exposed(times, CommAxis::tp) == 10.0);
  CHECK(times.total().value() == 36.0);
}

TEST_CASE("lanes: the host waits for a tensor before it issues what comes next") {
  // The host issues each kernel in 2 s. The first runs [2, 12) and writes what the host waits for after it has
  // issued the second, which runs [12, 16). The host goes on at 12 + 3 and issues the third at 17: [17, 18).
  const LaneTimes times = play_block({{.seconds = 10.0, .writes = {0}, .host = 2.0},
                                      {.seconds = 4.0, .reads = {0}, .host = 2.0, .awaits = 0},
                                      {.seconds = 1.0, .reads = {0}, .host = 2.0}},
                                     1, {.communication_share = 0.0, .read_back = Seconds(3.0)});
  CHECK(times.compute.value() == 15.0);
  CHECK(times.host.value() == 2.0 + 1.0);
  CHECK(times.total().value() == 18.0);
}
