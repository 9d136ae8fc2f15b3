#include "tests/fuzz/readers.hpp"

#include <cmath>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "planner/cost/step/estimate.hpp"
#include "planner/fit/gemm_table.hpp"
#include "planner/fit/nccl_tests.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/accelerator/read_accelerator.hpp"
#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/hugging_face/hugging_face_config.hpp"
#include "planner/spec/hugging_face/hugging_face_json.hpp"
#include "planner/spec/job/read_job.hpp"
#include "planner/spec/load/launch_file.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/model/read_model.hpp"
#include "planner/spec/torchtitan/toml.hpp"
#include "planner/trace/kineto_json.hpp"
#include "planner/trace/trace_sums.hpp"
#include "planner/trace/training_log.hpp"
#include "planner/units/count.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard::fuzz {
namespace {

/// Calls `read` with the checked text, and throws what it complains of, as a file's reader does.
template <class Read>
void with_complaints(const std::string& text, const Read& read) {
  Complaints complaints;
  if (const std::optional<std::string> checked = check_text(text, "input", complaints)) {
    Library library(complaints);
    read(make_source("input", {}, *checked), *checked, library);
  }
  complaints.throw_if_any();
}

/// The first document of a YAML text, given to `read` as the file of one spec.
template <class Read>
void as_document(const std::string& text, const Read& read) {
  with_complaints(text, [&](const SourcePtr& source, const std::string& checked, Library& library) {
    const std::vector<NodePtr> documents = parse_yaml(source, checked, library.complaints());
    if (!documents.empty()) read(documents.front(), Place{source, 1, 1}, "", library);
  });
}

void read_job_text(const std::string& text) { parse_jobs(text, "input"); }

/// A legal job is planned too: its figures are numbers.
void plan_job_text(const std::string& text) {
  for (const JobSpec& job : parse_jobs(text, "input")) {
    const Estimate found = estimate(job);
    if (!(std::isfinite(found.step.time.value()) && found.step.time.value() > 0.0))
      throw std::logic_error("a step's time is not a positive number");
  }
}

void read_config_json(const std::string& text) {
  with_complaints(text, [](const SourcePtr& source, const std::string& checked, Library& library) {
    const NodePtr config = parse_json(source, checked, library.complaints());
    if (config == nullptr) return;
    const NodePtr model = model_from_hugging_face(config, library.complaints());
    if (model != nullptr) read_model(model, Place{source, 1, 1}, "", library);
  });
}

template <LaunchKind kind>
void read_launch(const std::string& text) {
  with_complaints(text, [](const SourcePtr& source, const std::string& checked, Library& library) {
    const std::vector<Override> overrides{{"cluster", "{name: dgx-h100, nodes: 8}"}};
    const NodePtr job = job_from_launch_file(kind, source, checked, overrides, library);
    if (job != nullptr) read_job(job, "input", library);
  });
}

void read_toml(const std::string& text) {
  with_complaints(text, [](const SourcePtr& source, const std::string& checked, Library& library) {
    detail::parse_toml(source, checked, library.complaints());
  });
}

/// A program that was read is checked, and written so that the same program is read again.
void read_program(const std::string& text) {
  std::optional<StepProgram> program;
  try {
    program = program_from_json(text);
  } catch (const std::logic_error&) {
    throw;
  } catch (const std::runtime_error&) {
    return;  // how this reader complains
  }
  const std::string written = to_json(*program);
  if (to_json(program_from_json(written)) != written)
    throw std::logic_error("a program that was written and read is another one");
  check_program(*program);
}

void read_kineto_text(const std::string& text) {
  std::istringstream in(text);
  TraceSums sums;
  const TraceHeader header = read_kineto(in, "input", [&](const TraceEvent& event) { sums.add(event); });
  const TracedSteps steps = sums.finish(header);
  if (!std::isfinite(steps.window.value())) throw std::logic_error("the window of a trace is no number");
}

void read_log(const std::string& text) {
  std::istringstream in(text);
  const auto times = logged_times(read_training_log(in), 4096.0);
  if (times && !std::isfinite(times->median.value()))
    throw std::logic_error("the median of a log is no number");
}

void read_nccl(const std::string& text) {
  Complaints complaints;
  read_nccl_tests(text, "input", complaints);
  complaints.throw_if_any();
}

void read_gemms(const std::string& text) {
  Complaints complaints;
  for (const MeasuredGemm& product : read_gemm_table(text, "input", complaints)) {
    if (complaints.size() == 0 && !std::isfinite(product.rate().value()))
      throw std::logic_error("a product's rate is no number");
  }
  complaints.throw_if_any();
}

}  // namespace

const std::array<Reader, 14> kReaders{{
    {"job", read_job_text},
    {"plan", plan_job_text},
    {"model", [](const std::string& text) { as_document(text, read_model); }},
    {"cluster", [](const std::string& text) { as_document(text, read_cluster); }},
    {"accelerator", [](const std::string& text) { as_document(text, read_accelerator); }},
    {"config_json", read_config_json},
    {"megatron", read_launch<LaunchKind::megatron>},
    {"torchtitan", read_launch<LaunchKind::torchtitan>},
    {"toml", read_toml},
    {"program", read_program},
    {"nccl_tests", read_nccl},
    {"kineto", read_kineto_text},
    {"gemm_table", read_gemms},
    {"training_log", read_log},
}};

void read_bytes(const Reader& reader, const std::string& text) {
  try {
    reader.read(text);
  } catch (const SpecError&) {
  } catch (const ResultError&) {
  } catch (const CountOverflow&) {
  }
}

const Reader& reader_named(std::string_view name) {
  std::string all;
  for (const Reader& reader : kReaders) {
    if (reader.name == name) return reader;
    all += (all.empty() ? "" : ", ") + std::string(reader.name);
  }
  throw std::invalid_argument("no reader '" + std::string(name) + "'; there are " + all);
}

}  // namespace foreshard::fuzz
