#pragma once

#include <string>
#include <vector>

#include "planner/cost/step/model_figures.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/hugging_face/hugging_face_config.hpp"
#include "planner/spec/hugging_face/hugging_face_json.hpp"
#include "planner/spec/library/library.hpp"
#include "planner/spec/model/read_model.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {

/// The model of a config.json with this text. @throws SpecError
inline ModelSpec model_of_config(const std::string& text) {
  Complaints complaints;
  ModelSpec model;
  const SourcePtr source = make_source("config.json", {}, text);
  if (const NodePtr json = parse_json(source, text, complaints)) {
    Library library(complaints);
    if (const NodePtr map = model_from_hugging_face(json, complaints))
      model = read_model(map, map->place, "", library);
  }
  complaints.throw_if_any();
  return model;
}

/// The parameters that a plan of the model counts.
inline std::int64_t parameters_of(const ModelSpec& model) {
  JobSpec job;
  job.model = model;
  job.training.sequence_length = 128;
  job.training.global_batch = 1;
  job.training.micro_batch = 1;
  return count_parameters(job, build_step_program(job)).total.value();
}

/// The complaints about a config.json with this text, one per line: line:column key: message; allowed.
inline std::string complaints_about(const std::string& text) {
  std::string found;
  try {
    (void)model_of_config(text);
  } catch (const SpecError& error) {
    for (const Diagnostic& d : error.diagnostics())
      found += std::to_string(d.mark.line) + ":" + std::to_string(d.mark.column) + " " + d.path + ": " +
               d.message + "; " + d.allowed + "\n";
  }
  return found;
}

}  // namespace foreshard::test
