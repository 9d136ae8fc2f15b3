#pragma once

#include <string>

#include "planner/results/study_progress.hpp"
#include "planner/results/training_curve.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/shard/token_text.hpp"

namespace foreshard {

struct TrainingOptions {
  int steps = 300;
  double learning_rate = 1e-3;
  int threads = 0;  ///< per rank; 0: its share of the cores
  Seconds timeout{60.0};
  StudyProgress progress{};
};

/// The characters of a text as tokens. A collective call of all ranks.
/// @param name  name of the text, for messages
/// @throws RequestError if the ranks have different texts, or the text does not suit the job
TokenText training_tokens(const MpiSession& session, const JobSpec& job, const std::string& text,
                          const std::string& name);

/// Trains the job's model on a text. Ends early if the loss is not finite. A collective call of all ranks;
/// all get the same result. @throws std::runtime_error if there is not enough memory; CommunicationError
/// @pre there are as many ranks as the job has devices, and they can execute the job
TrainingCurve train_job(MpiSession& session, const JobSpec& job, const TokenText& text,
                        const TrainingOptions& options);

}  // namespace foreshard
