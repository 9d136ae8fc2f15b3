#include "planner/report/training_record.hpp"

namespace foreshard::report {

Record training_record(const JobSpec& job, const TrainingCurve& curve) {
  return record_of({{"job", job.name},
                    {"steps", static_cast<std::int64_t>(curve.losses.size())},
                    {"losses", curve.losses},
                    {"final_loss", curve.final_loss()},
                    {"entropy", curve.entropy},
                    {"characters", curve.characters},
                    {"alphabet", curve.alphabet},
                    {"learning_rate", curve.learning_rate},
                    {"seconds", curve.time.value()},
                    {"tokens_per_s", curve.tokens_per_second(job)}});
}

}  // namespace foreshard::report
