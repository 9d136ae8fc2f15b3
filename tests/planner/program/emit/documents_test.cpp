// Packed documents in the step program: what attention computes, and that nothing else changes.
#include <set>
#include <variant>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec job_of(std::int64_t sequence) {
  return llama_job(llama_shaped(2, 32, 64, 4, 4, 64),
                   {.sequence = sequence, .micro_batch = 1, .global_batch = 4});
}

JobSpec with_documents(JobSpec job, std::vector<double> lengths, bool packed = true) {
  job.training.documents = DocumentsSpec{.lengths = std::move(lengths), .packed = packed};
  return job;
}

/// The attention of the first layer's forward block.
Attention attention_in(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops)
      if (const auto* attention = std::get_if<Attention>(&op.kind)) return *attention;
  }
  throw std::logic_error("no attention");
}

}  // namespace

TEST_CASE("documents as long as the sequence, or unpacked, are no documents") {
  const std::string plain = to_json(build_step_program(job_of(64)));
  CHECK(to_json(build_step_program(with_documents(job_of(64), {64.0}))) == plain);
  CHECK(to_json(build_step_program(with_documents(job_of(64), {16.0}, false))) == plain);
  JobSpec windowed = job_of(64);
  windowed.model.window = 24;
  CHECK(to_json(build_step_program(with_documents(windowed, {64.0}))) ==
        to_json(build_step_program(windowed)));
}

TEST_CASE("packed documents shorten the keys that a query sees") {
  const Attention attention = attention_in(with_documents(job_of(64), {16.0}));
  CHECK(attention.query == 64);
  CHECK(attention.key == 16);
  CHECK(attention.imbalance == 1.0);
  // Equally many of 8 and of 24 tokens: (64 + 576) / 32 = 20.
  CHECK(attention_in(with_documents(job_of(64), {8.0, 24.0})).key == 20);
  CHECK(check_program(build_step_program(with_documents(job_of(64), {8.0, 24.0}))).empty());
}

TEST_CASE("documents that fill sequences evenly are chunks of the attention") {
  CHECK(attention_in(with_documents(job_of(64), {16.0})).chunk == 16);
  CHECK(attention_in(with_documents(job_of(64), {24.0})).chunk == 0);
  CHECK(attention_in(with_documents(job_of(64), {128.0})).chunk == 0);
  CHECK(attention_in(with_documents(job_of(64), {16.0, 32.0})).chunk == 0);
}

TEST_CASE("documents that are not drawn are counted piece by piece, and written down") {
  JobSpec job = with_documents(job_of(64), {16.0, 32.0});
  CHECK(attention_in(job).documents.empty());
  job.training.documents->drawn = false;
  const Attention attention = attention_in(job);
  CHECK(attention.documents == std::vector<std::int64_t>{16, 32});
  // 16, 32 and 16 tokens: (256 + 1024 + 256) / 64.
  CHECK(attention.key == 24);
  CHECK(attention.imbalance == 1.0);
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program).empty());
  CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
  // Of one length that divides the sequence they are chunks, and whole sequences are none.
  job.training.documents->lengths = {16.0};
  CHECK(attention_in(job).chunk == 16);
  CHECK(attention_in(job).documents.empty());
  job.training.documents->lengths = {64.0, 3.0};
  CHECK(attention_in(job).documents.empty());
}

TEST_CASE("documents that are not drawn are the same on every rank") {
  JobSpec job = sharded(with_documents(job_of(64), {8.0, 24.0}), {.dp = 4});
  job.training.documents->drawn = false;
  CHECK(attention_in(job).imbalance == 1.0);
}

TEST_CASE("the busiest of several ranks has more scores where documents differ") {
  JobSpec job = sharded(with_documents(job_of(64), {8.0, 24.0}), {.dp = 4});
  CHECK(attention_in(job).imbalance > 1.0);
  job.training.documents->lengths = {16.0};
  CHECK(attention_in(job).imbalance == 1.0);
}
