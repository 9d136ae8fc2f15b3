#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/api/call_json.hpp"
#include "cli/api/foreshard.h"
#include "cli/options/tool_fields.hpp"
#include "planner/spec/yaml/sha256.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::cli::test {
namespace {

using Json = nlohmann::ordered_json;

Json answer_to(const Json& request) { return Json::parse(call(request.dump())); }

constexpr const char* kJob =
    "name: small\nmodel: llama3-8b\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {tp: 2}\n"
    "training: {sequence_length: 4096, global_batch: 64, micro_batch: 1}\n";

TEST_CASE("a job is named, written as text, or an object: the same job, the same answer") {
  Json text = answer_to({{"command", "plan"}, {"job", kJob}});
  REQUIRE(text.at("code") == 0);
  CHECK(text.at("result").at("job").at("tp") == 2);
  CHECK(text.at("result").at("job").at("dp") == 4);  // of 8 devices
  Json object =
      answer_to({{"command", "plan"},
                 {"job",
                  {{"name", "small"},
                   {"model", "llama3-8b"},
                   {"cluster", {{"name", "dgx-h100"}, {"nodes", 1}}},
                   {"parallelism", {{"tp", 2}}},
                   {"training", {{"sequence_length", 4096}, {"global_batch", 64}, {"micro_batch", 1}}}}}});
  // But for what it was read from.
  for (Json* const answer : {&object, &text}) answer->at("result").erase("tool");
  CHECK(object == text);
  CHECK(answer_to({{"command", "plan"}, {"job", "llama3-70b-64h100"}}).at("result").at("job").at("devices") ==
        64);
}

TEST_CASE("an answer says which tool gave it, and from which inputs") {
  const Json tool = answer_to({{"command", "plan"}, {"job", kJob}}).at("result").at("tool");
  CHECK(tool.at("version") == FORESHARD_VERSION);
  CHECK(tool.at("git").dump() == (git_hash().empty() ? "null" : '"' + git_hash() + '"'));
  // What the job names, and what that names, by names that are the same on every machine.
  std::vector<std::string> names;
  for (const Json& input : tool.at("inputs")) names.push_back(input.at("name"));
  CHECK(names == std::vector<std::string>{"configs/accelerators/h100-80gb-sxm.yaml",
                                          "configs/clusters/dgx-h100.yaml", "configs/models/llama3-8b.yaml",
                                          "job"});
  CHECK(tool.at("inputs").back().at("sha256") == sha256_hex(kJob));
  // Inputs of the question before are not those of the next.
  const Json listed = answer_to({{"command", "plan"}, {"job", "llama3-70b-64h100"}}).at("result").at("tool");
  for (const Json& input : listed.at("inputs")) CHECK(input.at("name") != "configs/models/llama3-8b.yaml");
  // Each of several answers stands alone.
  const Json both = answer_to({{"command", "plan"}, {"job", kJob + std::string("---\n") + kJob}});
  for (const Json& answer : both.at("result")) CHECK(answer.at("tool").at("inputs").size() == 4);
}

TEST_CASE("keys are the command line's options: numbers, words, lists, flags and settings") {
  const Json planned = answer_to({{"command", "plan"},
                                  {"job", kJob},
                                  {"tp", 4},
                                  {"recompute", "full"},
                                  {"set", {{"training.micro_batch", 2}}}});
  CHECK(planned.at("result").at("job").at("tp") == 4);
  CHECK(planned.at("result").at("job").at("micro_batch") == 2);
  const Json compared =
      answer_to({{"command", "compare"}, {"job", kJob}, {"tp", {1, 2}}, {"micro_batch", "1,2"}});
  CHECK(compared.at("result").at("variants").size() == 4);
  const Json simulated = answer_to({{"command", "simulate"}, {"job", kJob}, {"timeline", true}});
  CHECK(simulated.at("result").at("simulation").at("timeline").at("stage").size() > 0);
  CHECK_FALSE(answer_to({{"command", "simulate"}, {"job", kJob}, {"timeline", false}})
                  .at("result")
                  .at("simulation")
                  .contains("timeline"));
}

TEST_CASE("a command without JSON gives its text") {
  const Json shown = answer_to({{"command", "show"}, {"name", "dgx-h100"}});
  CHECK_THAT(shown.at("result").get<std::string>(), ContainsSubstring("dgx-h100.yaml"));
}

TEST_CASE("problems of a job have their place in its text") {
  std::string job = kJob;
  job.replace(job.find("parallelism"), std::string("parallelism").size(), "paralelism");
  const Json wrong = answer_to({{"command", "plan"}, {"job", job}});
  CHECK(wrong.at("code") == 2);
  REQUIRE(wrong.at("problems").size() == 1);
  const Json& first = wrong.at("problems").front();
  CHECK(first.at("file") == "job");
  CHECK(first.at("line") == 4);
  CHECK(first.at("column") == 1);
  CHECK_THAT(wrong.at("message").get<std::string>(), ContainsSubstring("job:4:1: error: "));
}

TEST_CASE("a wrong request is answered, not thrown") {
  const auto message = [](const std::string& request) {
    const Json answer = Json::parse(call(request));
    CHECK(answer.at("code") == 2);
    return answer.at("message").get<std::string>();
  };
  CHECK_THAT(message("{"), ContainsSubstring("the request is no JSON"));
  CHECK_THAT(message("[]"), ContainsSubstring("a request is a JSON object"));
  CHECK_THAT(message("{}"), ContainsSubstring("a request has a 'command'"));
  CHECK_THAT(message(R"({"command": "plann"})"), ContainsSubstring("did you mean 'plan'?"));
  CHECK_THAT(message(R"({"command": "plan"})"), ContainsSubstring("'job' is missing"));
  CHECK_THAT(message(R"({"command": "plan", "job": "llama3-70b-64h100", "pt": 4})"),
             ContainsSubstring("plan takes no 'pt'"));
  CHECK_THAT(message(R"({"command": "plan", "job": "llama3-70b-64h100", "tp": "many"})"),
             ContainsSubstring("--tp"));
  CHECK_THAT(message(R"({"command": "plan", "job": "llama3-70b-64h100", "html": "x.html"})"),
             ContainsSubstring("plan takes no 'html'"));
}

/// What foreshard_call_heard() tells, and whether the listener stops the command at the first result so far.
struct Heard {
  bool stops = false;
  std::vector<Json> events{};

  static int hear(const char* event, void* context) {
    auto& heard = *static_cast<Heard*>(context);
    heard.events.push_back(Json::parse(event));
    return heard.stops && heard.events.back().contains("so_far") ? 1 : 0;
  }
};

Json answer_heard(const Json& request, Heard& heard) {
  const char* const text = foreshard_call_heard(request.dump().c_str(), &Heard::hear, &heard);
  Json answer = Json::parse(text);
  foreshard_free(text);
  return answer;
}

TEST_CASE("a listener hears what a search does and has found, and ends it with the best so far") {
  const Json request{{"command", "search"}, {"job", kJob}, {"threads", 1}, {"free", {"tp", "micro_batch"}}};
  Heard heard;
  const Json answer = answer_heard(request, heard);
  CHECK(answer == answer_to(request));  // the listener changes nothing
  CHECK(answer.at("result").at("search").at("sites").at(0).at("complete") == true);
  REQUIRE(heard.events.size() >= 2);
  const Json& progress = heard.events.front().at("progress");
  CHECK(progress.at("what") == "bounding plans");
  CHECK(progress.at("done") == 1);
  const auto so_far = std::find_if(heard.events.begin(), heard.events.end(),
                                   [](const Json& event) { return event.contains("so_far"); });
  REQUIRE(so_far != heard.events.end());
  CHECK(so_far->at("so_far").at("search").at("sites").at(0).at("complete") == false);

  Heard stopping{.stops = true};
  const Json stopped = answer_heard(request, stopping);
  CHECK(stopped.at("code") == 0);
  CHECK(stopped.at("result").at("search").at("sites").at(0).at("complete") == false);
  CHECK(stopped.at("result").at("search").at("plans").at(0).at("choices") ==
        stopping.events.back().at("so_far").at("search").at("plans").at(0).at("choices"));
}

TEST_CASE("the plans that a search finds for a job's text are written, and plan as the search said") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "foreshard_call_test_plans";
  std::filesystem::remove_all(folder);
  const Json found = answer_to({{"command", "search"},
                                {"job", kJob},
                                {"threads", 1},
                                {"free", "tp"},
                                {"top", 2},
                                {"emit", folder.string()}});
  REQUIRE(found.at("code") == 0);
  const Json& plans = found.at("result").at("search").at("plans");
  REQUIRE(plans.size() == 2);
  for (const std::size_t i : {0U, 1U}) {
    const Json planned =
        answer_to({{"command", "plan"}, {"job", (folder / fmt::format("small-{}.yaml", i + 1)).string()}});
    CHECK(planned.at("result").at("step").at("time_s") == plans.at(i).at("estimate").at("step").at("time_s"));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("the C entry answers from several threads at once") {
  const std::string request = Json{{"command", "plan"}, {"job", kJob}}.dump();
  const std::string expected = call(request);
  std::vector<std::string> answers(4);
  std::vector<std::thread> threads;
  for (std::string& answer : answers) {
    threads.emplace_back([&answer, &request] {
      const char* const text = foreshard_call(request.c_str());
      answer = text;
      foreshard_free(text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& answer : answers) CHECK(answer == expected);
  CHECK(std::string(foreshard_version()) == FORESHARD_VERSION);
}

}  // namespace
}  // namespace foreshard::cli::test
