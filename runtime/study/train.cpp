#include "runtime/study/train.hpp"

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/results/request_error.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/mean_loss.hpp"
#include "runtime/study/machine_words.hpp"
#include "runtime/study/require_memory.hpp"
#include "runtime/study/run_device.hpp"

namespace foreshard {

TokenText training_tokens(const MpiSession& session, const JobSpec& job, const std::string& text,
                          const std::string& name) {
  const std::uint64_t own = std::hash<std::string>{}(text);
  for (const std::uint64_t other : session.gather(own)) {
    if (other != own)
      throw RequestError("text", fmt::format("the ranks read different texts from '{}'", name));
  }
  TokenText tokens = tokens_of(text);
  // Modules of multi-token prediction read further.
  const std::int64_t read = job.training.sequence_length + (job.model.mtp ? job.model.mtp->modules : 0);
  if (static_cast<std::int64_t>(tokens.tokens.size()) <= read)
    throw RequestError("text", fmt::format("'{}' has {} characters, and a sequence alone has {}: take a "
                                           "longer text",
                                           name, tokens.tokens.size(), read));
  const auto letters = static_cast<std::int64_t>(tokens.alphabet.size());
  if (letters > job.model.vocab)
    throw RequestError("text", fmt::format("'{}' has {} different characters, and the model knows {}: set "
                                           "model.vocab to {} or more",
                                           name, letters, job.model.vocab, letters));
  return tokens;
}

TrainingCurve train_job(MpiSession& session, const JobSpec& job, const TokenText& text,
                        const TrainingOptions& options) {
  const DeviceMesh mesh(job.parallelism);
  const StepProgram program = build_step_program(job);
  require_memory(session, memory_report(job, program).peak);
  const std::unique_ptr<Device> device = make_device(session, job.cluster.accelerator, options.threads);
  const std::unique_ptr<Communicator> communicator = make_communicator(session, job, mesh, *device);
  session.watch(mesh, options.timeout);

  RankPlan plan(program, *device, *communicator);
  Executor executor(plan, *device, *communicator, &session.note());
  executor.initialize();
  executor.tokens().read(text);
  plan.optimizer().learning_rate = options.learning_rate;

  TrainingCurve curve{.machine = machine_words(session, *device, *communicator),
                      .characters = static_cast<std::int64_t>(text.tokens.size()),
                      .alphabet = static_cast<std::int64_t>(text.alphabet.size()),
                      .entropy = text.entropy(),
                      .learning_rate = options.learning_rate,
                      .losses = {},
                      .time = {}};
  for (int step = 0; step < options.steps; ++step) {
    const double own = executor.run_step();
    curve.losses.push_back(mean_loss(plan, own, *communicator));
    curve.time += executor.step_time();
    if (!std::isfinite(curve.losses.back())) break;
    if (options.progress)
      options.progress(fmt::format("training, loss {:.3f}", curve.losses.back()), step + 1, options.steps);
  }
  return curve;
}

}  // namespace foreshard
