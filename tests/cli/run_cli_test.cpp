// Runs the tool as a user does and looks at its exit code, standard output and standard error.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "planner/report/table.hpp"
#include "tests/support/catch.hpp"

namespace {

namespace fs = std::filesystem;

const std::string kJob = "llama3-70b-64h100";

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A file of this process alone, gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& ending, const std::string& text = "")
      : path_(fs::temp_directory_path() / ("foreshard-cli-" + std::to_string(::getpid()) + ending)) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { fs::remove(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs one line of shell; FORESHARD in it stands for the tool.
Outcome shell(std::string line) {
  const std::string tool = "FORESHARD";
  for (auto at = line.find(tool); at != std::string::npos; at = line.find(tool, at + 1)) {
    line.replace(at, tool.size(), "'" FORESHARD_CLI "'");
  }
  const TemporaryFile err(".err");
  FILE* pipe = ::popen(("{ " + line + "; } 2>'" + err.path().string() + "'").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  Outcome outcome;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.err = read_file(err.path());
  return outcome;
}

Outcome run_tool(const std::string& arguments) { return shell("FORESHARD " + arguments); }

std::size_t widest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(in, line);) {
    widest = std::max(widest, foreshard::report::display_width(line));
  }
  return widest;
}

/// A wrong command line or input: exit code 2, nothing on standard output, this on standard error.
void check_refused(const std::string& arguments, const std::string& complaint) {
  INFO("foreshard " << arguments);
  const Outcome outcome = run_tool(arguments);
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, ContainsSubstring(complaint));
}

}  // namespace

TEST_CASE("help is a result, with an example and the exit codes") {
  const std::string command = GENERATE("", "plan ", "compare ", "search ", "explain ", "buy ", "simulate ",
                                       "diagnose ", "import ", "score ", "list ", "show ");
  INFO("foreshard " << command << "--help");
  const Outcome outcome = run_tool(command + "--help");
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, ContainsSubstring("Usage: foreshard " + command));
  CHECK_THAT(outcome.out, ContainsSubstring("Example:\n  foreshard "));
  CHECK_THAT(outcome.out, ContainsSubstring("Exit codes:\n  0  done\n"));
  CHECK(widest_line(outcome.out) <= 100);
}

TEST_CASE("the version is a result") {
  const Outcome outcome = run_tool("--version");
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "foreshard " FORESHARD_VERSION "\n");
}

TEST_CASE("a wrong command line is refused with what was meant") {
  check_refused("", "a command is missing");
  check_refused("plann " + kJob,
                "unknown command 'plann'; there are plan, compare, search, explain, buy, export, simulate, "
                "diagnose, import, score, list, show, serve; did "
                "you mean 'plan'?");
  check_refused("plan", "JOB is required");
  check_refused("plan " + kJob + " --formt json", "unknown option '--formt'; did you mean '--format'?");
  check_refused("plan " + kJob + " --format jsn",
                "'jsn' is none of table, json, csv, csv-short, html; did you mean 'json'?");
  check_refused("plan " + kJob + " --set parallelism.tp", "--set takes key=value");
  check_refused("list modls", "did you mean 'models'?");
  check_refused("list models clusters", "'clusters' is one argument too many");
  check_refused("show llama3-70", "did you mean 'llama3-70b'?");
}

TEST_CASE("a search refuses what it cannot search, and buying what it cannot choose by") {
  check_refused("search " + kJob + " --free tp,qp",
                "there is no axis 'qp'; there are precision, offload, tp, cp, pp");
  check_refused("search " + kJob + " --free tp --by zero", "--by zero: this axis is not searched");
  check_refused("search " + kJob + " --free tp --keep pp", "--free names all that is searched");
  check_refused("search " + kJob + " --devices 12", "12 devices of dgx-h100 do not fill whole nodes of 8");
  check_refused("buy " + kJob, "buy needs either --deadline or --budget");
  check_refused("buy " + kJob + " --deadline soon", "--deadline takes a time, as in '30 days', not 'soon'");
  check_refused("buy " + kJob + " --budget much", "--budget takes a number of US dollars");
}

TEST_CASE("a search lists the best plan with each value of an axis") {
  // Nothing else is free on two devices: tp 1 leaves dp 2, tp 2 leaves dp 1.
  const Outcome found = run_tool("search tiny-llama-laptop --free tp --by tp --top 1");
  CHECK(found.code == 0);
  const std::size_t list = found.out.find("The best plan with each value of tp, if it were fixed:");
  REQUIRE(list != std::string::npos);
  for (const char* row : {"  1   1   2  ", "  2   1   1  "})
    CHECK(found.out.find(row, list) != std::string::npos);
}

TEST_CASE("a search writes its plans as job files that plan as it said") {
  const fs::path folder = fs::temp_directory_path() / ("foreshard-emit-" + std::to_string(::getpid()));
  const Outcome found = run_tool(
      "search " + kJob + " --free zero,schedule --top 2 --format csv-short --emit '" + folder.string() + "'");
  CHECK(found.code == 0);
  for (const char* plan : {"1", "2"}) {
    const Outcome planned = run_tool("plan '" + (folder / (kJob + "-" + plan + ".yaml")).string() + "'");
    CHECK(planned.code == 0);
    CHECK_THAT(planned.out, ContainsSubstring(" fits: "));
  }
  fs::remove_all(folder);
}

TEST_CASE("a file that is not there is refused with the nearest bundled job") {
  check_refused("plan no-such-file.yaml", "there is neither a file nor a bundled job 'no-such-file.yaml'");
  check_refused("plan llama3-70b-64h10", "did you mean 'llama3-70b-64h100'?");
  check_refused("plan /", "'/' is a directory");
  check_refused("plan ''", "JOB is empty");
}

TEST_CASE("a file with mistakes is refused with all of them and nothing is planned") {
  const TemporaryFile job(".yaml",
                          "model: llama3-70b\n"
                          "cluster: {name: dgx-h100, nodes: 8}\n"
                          "parallelism: {tp: 8, pp: 4}\n"
                          "training:\n"
                          "  sequence_lenght: 8192\n"
                          "  global_batch: 512\n"
                          "  micro_batch: 1\n");
  const Outcome outcome = run_tool("plan '" + job.path().string() + "'");
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, ContainsSubstring(job.path().filename().string() + ":5:3: error: "));
  CHECK_THAT(outcome.err, ContainsSubstring("did you mean 'sequence_length'?"));
  CHECK_THAT(outcome.err, ContainsSubstring(", nothing planned.\n"));
}

TEST_CASE("list names every kind of bundled config") {
  const Outcome all = run_tool("list");
  CHECK(all.code == 0);
  CHECK(all.err.empty());
  CHECK_THAT(all.out, ContainsSubstring("\n  llama3-70b "));
  CHECK_THAT(all.out, ContainsSubstring("\n  h100-80gb-sxm "));
  CHECK_THAT(all.out, ContainsSubstring("\n  dgx-h100 "));
  CHECK_THAT(all.out, ContainsSubstring("\n  " + kJob + " "));
  CHECK(widest_line(all.out) <= 100);
}

TEST_CASE("list --names prints names and nothing else") {
  CHECK(run_tool("list clusters --names").out.substr(0, 24) == "a100-pcie-box\na800-node\n");
  const std::string all = run_tool("list --names").out;
  CHECK_THAT(all, ContainsSubstring("\n" + kJob + "\n"));
  CHECK(all.find(' ') == std::string::npos);
}

TEST_CASE("list models counts parameters") {
  const Outcome models = run_tool("list models");
  CHECK(models.code == 0);
  // Llama 3 70B: 80 layers of 8192·8192·2 + 8192·1024·2 attention, 3·8192·28672 FFN and 2·8192 norm weights,
  // 2 tables of 128256·8192, one last norm of 8192: 70,553,706,496.
  CHECK_THAT(models.out, ContainsSubstring("70,553,706,496"));
  CHECK(models.out.find("dgx-h100") == std::string::npos);
}

TEST_CASE("list --format json holds the figures, without their units") {
  const Outcome models = run_tool("list models --format json");
  CHECK(models.code == 0);
  CHECK_THAT(models.out, ContainsSubstring("\"name\": \"llama3-70b\""));
  CHECK_THAT(models.out, ContainsSubstring("\"parameters\": 70553706496"));
  CHECK(models.out.find("\"clusters\"") == std::string::npos);
  const std::string all = run_tool("list --format json").out;
  for (const char* kind : {"models", "accelerators", "clusters", "jobs", "measured"})
    CHECK_THAT(all, ContainsSubstring(std::string("\n  \"") + kind + "\": ["));
  check_refused("list --names --format json", "leave out --format");
}

TEST_CASE("show prints the file, its path before it") {
  const Outcome shown = run_tool("show h100-80gb-sxm");
  CHECK(shown.code == 0);
  const fs::path file = fs::path(FORESHARD_SOURCE_DIR) / "configs/accelerators/h100-80gb-sxm.yaml";
  CHECK(shown.out == "# " + file.string() + "\n" + read_file(file));
  CHECK(run_tool("show accelerators/h100-80gb-sxm").out == shown.out);
}

TEST_CASE("plan answers by name, by path and from standard input alike") {
  const std::string file = std::string(FORESHARD_SOURCE_DIR "/configs/jobs/") + kJob + ".yaml";
  const Outcome by_name = run_tool("plan " + kJob);
  CHECK(by_name.err.empty());
  CHECK_THAT(by_name.out, ContainsSubstring(kJob + ": Llama 3 70B on "));
  CHECK_THAT(by_name.out, ContainsSubstring("where the step goes"));
  CHECK(widest_line(by_name.out) <= 100);
  CHECK(run_tool("plan '" + file + "'").out == by_name.out);
  CHECK(run_tool("plan - < '" + file + "'").out == by_name.out);
}

TEST_CASE("the exit code says whether the job fits") {
  const Outcome outcome = run_tool("plan " + kJob + " --format json");
  const bool fits = outcome.out.find("\"fits\": true") != std::string::npos;
  CHECK(outcome.code == (fits ? 0 : 1));
  // On one stage of tp 8, weights and gradients alone are 70.55e9 / 8 · (2 + 4) bytes = 49 GiB, Adam's state
  // another 99: more than an H100 holds.
  const Outcome too_large = run_tool("plan " + kJob + " --set parallelism.pp=1 --set parallelism.zero=0");
  CHECK(too_large.code == 1);
  CHECK(too_large.err.empty());
  CHECK_THAT(too_large.out, ContainsSubstring("It does not fit: "));
}

TEST_CASE("several jobs are one array, or one row each") {
  const Outcome json = run_tool("plan " + kJob + " " + kJob + " --format json");
  CHECK(json.out.substr(0, 2) == "[\n");
  const Outcome csv = run_tool("plan " + kJob + " " + kJob + " --format csv");
  CHECK(csv.out.substr(0, csv.out.find(',')) == "model.parameters.total");
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 3);
}

TEST_CASE("compare lays variants side by side and says who wins") {
  const Outcome outcome = run_tool("compare " + kJob + " --tp 8,3 --recompute none,full");
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  // 64 devices / (8 · 4 stages)
  CHECK_THAT(outcome.out, ContainsSubstring("  pp × dp "));
  CHECK_THAT(outcome.out, ContainsSubstring(" 4 × 2 "));
  CHECK_THAT(outcome.out,
             ContainsSubstring("✗ tp 3, recompute none: 3 does not divide the model's 64 heads.\n"));
  CHECK_THAT(outcome.out, ContainsSubstring("tp 8, recompute none"));
  CHECK(widest_line(outcome.out) <= 100);
}

TEST_CASE("compare takes clusters by name and scales over nodes") {
  const Outcome clusters = run_tool("compare " + kJob + " --cluster dgx-a100,dgx-h100 --format csv");
  CHECK(clusters.code == 0);
  CHECK(clusters.out.substr(0, clusters.out.find(',')) == "variant.cluster");
  CHECK_THAT(clusters.out, ContainsSubstring("\ndgx-a100,true,"));
  const Outcome nodes = run_tool("compare " + kJob + " --nodes 8,16");
  CHECK(nodes.code == 0);
  CHECK_THAT(nodes.out, ContainsSubstring("  efficiency "));
  CHECK_THAT(nodes.out, ContainsSubstring("16 nodes run "));
}

TEST_CASE("prices are said on the command line, of clusters that are there") {
  const Outcome plan = run_tool("plan " + kJob + " --price dgx-h100=4.5");
  CHECK_THAT(plan.out, ContainsSubstring("4.50 USD/h per GPU"));
  const Outcome compared = run_tool(
      "compare " + kJob + " --cluster dgx-a100,dgx-h100 --price dgx-h100=4.5 --price 'dgx-a100=2 USD/h'");
  CHECK_THAT(compared.out, ContainsSubstring("dgx-h100: 4.50 USD/h per GPU; at "));
  CHECK_THAT(compared.out, ContainsSubstring("dgx-a100: 2.00 USD/h per GPU; at "));
  check_refused("plan " + kJob + " --price 4.5", "--price takes CLUSTER=USD per hour of one device");
  check_refused("plan " + kJob + " --price dgx-h10=4.5",
                "no job here runs on 'dgx-h10', but on dgx-h100; did you mean 'dgx-h100'?");
}

TEST_CASE("racks of 72 stand beside nodes of eight, with what stays idle") {
  // 64 devices: one rack, 8 of its 72 idle.
  const Outcome outcome = run_tool("compare " + kJob + " --cluster gb200-nvl72,dgx-h100");
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("  idle GPUs, paid for "));
  CHECK(outcome.out.find("✗ gb200-nvl72") == std::string::npos);
}

TEST_CASE("a short CSV has few columns") {
  const Outcome outcome = run_tool("plan " + kJob + " --format csv-short");
  const std::string header = outcome.out.substr(0, outcome.out.find('\n'));
  CHECK(std::count(header.begin(), header.end(), ',') < 30);
  CHECK_THAT(header, ContainsSubstring("step.time_s"));
}

TEST_CASE("compare says no where nothing fits") {
  // 70.55e9 parameters on one stage of tp 1 or 2: weights alone are 71 GB and more.
  const Outcome outcome = run_tool("compare " + kJob + " --tp 1,2 --pp 1 --zero 0");
  CHECK(outcome.code == 1);
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, ContainsSubstring("Nothing fits. Nearest: tp 2, which lacks "));
}

TEST_CASE("wrong lists are refused with what they may hold") {
  const std::string compare = "compare " + kJob;
  check_refused(compare, "compare needs a list of values to try, such as --tp 1,2,4,8");
  check_refused(compare + " --tp 1,,2", "--tp '1,,2': a value is missing");
  check_refused(compare + " --tp 1,2,", "a value is missing");
  check_refused(compare + " --tp 2,4,2", "--tp '2,4,2': 2 stands there twice");
  check_refused(compare + " --tp 1,two", "--tp takes whole numbers from 1 to ");
  check_refused(compare + " --tp 0", "with commas between, not '0'");
  check_refused(compare + " --micro-batch 1.5", "--micro-batch takes whole numbers");
  check_refused(compare + " --zero 4", "--zero takes whole numbers from 0 to 3");
  check_refused(compare + " --recompute ful", "'ful' is none of none, selective, ");
  check_refused(compare + " --recompute none,", "--recompute 'none,': a value is missing");
  check_refused(compare + " --cluster dgx-h10", "did you mean 'dgx-h100'?");
  check_refused(compare + " --tp 1,2,4,8 --pp 1,2,4,8 --vp 1,2,4,8 --micro-batch 1,2,4,8,16",
                "these lists make 320 variants; at most 256 are compared");
  check_refused(compare + " --nodez 8", "did you mean '--nodes'?");
  check_refused("compare", "JOB is required");
}

TEST_CASE("compare varies one job") {
  const std::string file = std::string(FORESHARD_SOURCE_DIR "/configs/jobs/") + kJob + ".yaml";
  const Outcome outcome =
      shell("{ cat '" + file + "'; echo ---; cat '" + file + "'; } | FORESHARD compare - --tp 8");
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, ContainsSubstring("'-' holds 2 jobs; compare takes one"));
}

TEST_CASE("score takes bundled names, paths and standard input") {
  const std::string file = FORESHARD_SOURCE_DIR "/configs/measured/korthikanti.yaml";
  const Outcome by_name = run_tool("score korthikanti");
  CHECK(by_name.code == 0);
  CHECK(by_name.err.empty());
  CHECK_THAT(by_name.out, ContainsSubstring("Step times of 9 measured runs are "));
  CHECK_THAT(by_name.out, ContainsSubstring("\n    kort-22B-full "));
  CHECK(widest_line(by_name.out) <= 100);
  CHECK(run_tool("score '" + file + "'").out == by_name.out);
  CHECK_THAT(run_tool("score - < '" + file + "'").out, ContainsSubstring("\n  stdin "));
}

TEST_CASE("score scores all bundled cases if none is named, and leaves out what it is told to") {
  // 465 published runs are judged, six of them of SC'21's ZeRO 3.
  const Outcome all = run_tool("score --worst 0");
  CHECK(all.code == 0);
  CHECK_THAT(all.out, ContainsSubstring("Step times of 474 measured runs are "));
  CHECK_THAT(all.out, ContainsSubstring("\n  sc21_zero3 "));
  const Outcome without = run_tool("score --worst 0 --without sc21_zero3 --bands");
  CHECK_THAT(without.out, ContainsSubstring("Step times of 468 measured runs are "));
  CHECK_THAT(without.out, ContainsSubstring("\n  source held out "));
  CHECK(without.out.find("sc21_zero3") == std::string::npos);
}

TEST_CASE("files that share a stem are sources by their whole names") {
  const TemporaryFile file(".yaml", read_file(FORESHARD_SOURCE_DIR "/configs/measured/sc21_ptdp.yaml"));
  const std::string link = "a=$(mktemp -d); ln -s '" + file.path().string() + "' $a/sc21_ptdp.yaml; ";
  const Outcome both = shell(link + "FORESHARD score sc21_ptdp $a/sc21_ptdp.yaml --format csv; rm -r $a");
  CHECK(both.err.empty());
  CHECK_THAT(both.out, ContainsSubstring("sc21-t2-07,sc21_ptdp,"));
  CHECK_THAT(both.out, ContainsSubstring("/sc21_ptdp.yaml,"));
}

TEST_CASE("what cannot be scored is refused, every job of it at once") {
  const TemporaryFile jobs(".yaml",
                           "model: llama3-8b\n"
                           "cluster: {name: dgx-h100, nodes: 1}\n"
                           "training: {sequence_length: 8192, global_batch: 8, micro_batch: 1}\n"
                           "---\n"
                           "model: llama3-8b\n"
                           "cluster: {name: dgx-h100, nodes: 1}\n"
                           "training: {sequence_length: 8192, global_batch: 8, micro_batch: 1}\n");
  const Outcome outcome = run_tool("score '" + jobs.path().string() + "'");
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, ContainsSubstring(":1:1: error: measured.step_time: "));
  CHECK_THAT(outcome.err, ContainsSubstring(":5:1: error: measured.step_time: "));
  CHECK_THAT(outcome.err, ContainsSubstring("as in measured: {step_time: 18.1 s}"));
  CHECK_THAT(outcome.err, ContainsSubstring("2 problems, nothing scored.\n"));
  // What a job lacks can be said on the command line.
  CHECK(run_tool("score '" + jobs.path().string() + "' --set 'measured.step_time=3 s'").code == 0);
  check_refused("score korthikant",
                "neither a file nor a bundled measurement 'korthikant'; did you mean 'kor");
  check_refused("score korthikanti korthikanti", "'korthikanti' is named twice");
  check_refused("score --without sc21_zero",
                "--without 'sc21_zero': no such source; did you mean 'sc21_zero3'?");
  check_refused("score nanotron --without nanotron", "--without leaves nothing to score");
  check_refused("score --worst -1", "--worst");
}

TEST_CASE("simulate lets communications share links and names the busiest") {
  const Outcome outcome = run_tool("simulate " + kJob + " --network flow");
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("busiest link of its kind"));
  CHECK_THAT(outcome.out, ContainsSubstring("simulated with flows"));
  CHECK(widest_line(outcome.out) <= 100);
  const Outcome json = run_tool("simulate " + kJob + " --network flow --format json");
  for (const char* key : {"\"simulation\"", "\"network\": \"flow\"", "\"links\"", "\"busy\""})
    CHECK_THAT(json.out, ContainsSubstring(key));
}

TEST_CASE("simulate slows ranks by name and by chance, and says what that costs") {
  const std::string small = "simulate llama3-8b-8h100 ";
  const Outcome named = run_tool(small + "--slowdown rank=3:1.2");
  CHECK(named.code == 0);
  CHECK_THAT(named.out, ContainsSubstring("With nothing in its way"));
  CHECK_THAT(named.out, ContainsSubstring("1.200"));
  CHECK_THAT(named.out, ContainsSubstring("each of 8 ranks"));
  const std::string chance = small + "--stragglers 10%:1.1-1.3 --spread 1% --jitter 2% --seeds 6";
  const Outcome drawn = run_tool(chance);
  CHECK_THAT(drawn.out, ContainsSubstring("nine in ten"));
  CHECK(widest_line(drawn.out) <= 100);
  CHECK(run_tool(chance + " --format json").out == run_tool(chance + " --format json").out);
}

TEST_CASE("simulate plays another job on the same fabric") {
  const Outcome outcome = run_tool("simulate " + kJob + " --network flow --with " + kJob +
                                   " --placement interleaved --format json");
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("\"alone_s\""));
}

TEST_CASE("what simulate cannot disturb is refused with what can be said") {
  const std::string job = "simulate " + kJob + " ";
  check_refused(job + "--slowdown 3:1.2", "write rank=3:1.2");
  check_refused(job + "--slowdown rank=3:nan", "--slowdown takes a factor from 0.1 to 1,000, not 'nan'");
  check_refused(job + "--slowdown rank=5-3:1.2", "write rank=3:1.2");
  check_refused(job + "--slowdown rank=64:1.2", "rank 64 is not one of the job's 64 ranks");
  check_refused(job + "--stragglers 200%:1.2", "--stragglers takes a share from 0 to 100%");
  check_refused(job + "--stragglers 5:1.2", "--stragglers '5' is not clear: write 5%");
  check_refused(job + "--stragglers 5%:inf", "--stragglers takes a factor from 0.1 to 1,000, not 'inf'");
  check_refused(job + "--spread nan", "--spread takes a share from 0 to 100%, such as 10% or 0.1, not 'nan'");
  check_refused(job + "--jitter much", "--jitter takes a share from 0 to 100%");
  check_refused(job + "--degrade nic=3:0.5", "add --network flow");
  check_refused(job + "--network flow --degrade cable=3:0.5",
                "there are device, switch (of a node), nic, leaf");
  check_refused(job + "--network flow --degrade nic=64:0.5", "no nic 64");
  // Less than a thousandth of a link is a failure, and the network cannot count on it.
  for (const std::string share : {"1e-9", "1e-300", "0", "nan", "0.01%"})
    check_refused(job + "--network flow --degrade device=0:" + share,
                  "--degrade takes a share from 0.1 to 100%");
  check_refused(job + "--seed -1", "--seed takes a whole number from 0 to ");
  check_refused(job + "--seeds 0", "--seeds takes a whole number from 1 to 1,000,000, not '0'");
  check_refused(job + "--trace ''", "--trace is empty; it takes FILE");
  check_refused(job + "--with " + kJob, "add --network flow");
  check_refused(job + "--network flow --with llama2-70b-64a100", "the same kind of cluster");
  check_refused(job + "--seeds 5", "add --stragglers, --spread or --jitter");
  check_refused(job + "--network packets", "is none of alpha-beta, flow");
}

TEST_CASE("help is a command too") {
  CHECK(run_tool("help").out == run_tool("--help").out);
  CHECK(run_tool("help plan").out == run_tool("plan --help").out);
  check_refused("help plann", "did you mean 'plan'?");
}

TEST_CASE("every error on the command line begins alike and says where to read on") {
  const std::string arguments = GENERATE("", "plann", "plan", "plan x --format", "list --color sometimes",
                                         "score --worst x", "show a b");
  INFO("foreshard " << arguments);
  const Outcome outcome = run_tool(arguments);
  CHECK(outcome.code == 2);
  CHECK(outcome.err.substr(0, 7) == "error: ");
  CHECK_THAT(outcome.err, ContainsSubstring("\nsee: foreshard"));
}

TEST_CASE("short options say the same as --set") {
  const std::string plan = "plan " + kJob + " --format json ";
  CHECK_THAT(run_tool(plan + "--tp 4 --pp 8").out, ContainsSubstring("\"step\""));
  CHECK(run_tool(plan + "--tp 4 --pp 8 --recompute full --batch 256 --sequence 4096 --zero 0 --micro-batch 2")
            .out ==
        run_tool(plan + "--set parallelism.tp=4 --set parallelism.pp=8 --set training.recompute=full "
                        "--set training.global_batch=256 --set training.sequence_length=4096 "
                        "--set parallelism.zero=0 --set training.micro_batch=2")
            .out);
  CHECK(run_tool(plan + "--nodes 16 --schedule gpipe --precision fp16 --dp 4").out ==
        run_tool(plan + "--set cluster.nodes=16 --set training.schedule=gpipe --set training.precision=fp16 "
                        "--set parallelism.dp=4")
            .out);
  CHECK(run_tool(plan + "--on dgx-a100 --nodes 8").out ==
        run_tool(plan + "--set 'cluster={name: dgx-a100, nodes: 8}'").out);
  // --set is said last and wins.
  CHECK(run_tool(plan + "--set parallelism.tp=4 --tp 2").out == run_tool(plan + "--tp 4").out);
  check_refused("plan " + kJob + " --tp 3", "parallelism.tp=3: error: parallelism.tp: 3 does not divide");
  check_refused("plan " + kJob + " --tp 0", "--tp takes a whole number from 1 to ");
  check_refused(
      "plan " + kJob + " --precision bf61",
      "--precision: 'bf61' is none of fp32, tf32, bf16, fp16, fp8, mxfp8, nvfp4; did you mean 'bf16'?");
}

TEST_CASE("a model on a cluster is a job") {
  const TemporaryFile job(".yaml",
                          "name: llama3-70b-dgx-h100\n"
                          "model: llama3-70b\n"
                          "cluster: {name: dgx-h100, nodes: 8}\n"
                          "parallelism: {tp: 8, pp: 4}\n"
                          "training: {sequence_length: 8192, global_batch: 512, micro_batch: 1}\n");
  const std::string file = "plan '" + job.path().string() + "'";
  const std::string model =
      "plan llama3-70b --on dgx-h100 --nodes 8 --tp 8 --pp 4 --sequence 8192 --batch 512 "
      "--micro-batch 1";
  CHECK(run_tool(model).out == run_tool(file).out);
  CHECK(run_tool("simulate " + model.substr(5)).out == run_tool("simulate " + file.substr(5)).out);
  // A file of a model's own, by its path.
  const std::string path = FORESHARD_SOURCE_DIR "/configs/models/llama3-70b.yaml";
  CHECK(run_tool("plan " + path + model.substr(15)).out == run_tool(file).out);
}

TEST_CASE("what a job of a model was not told is assumed and said") {
  // 4,194,304 tokens a step in sequences of 4,096.
  const Outcome outcome = run_tool("plan llama3-8b --on dgx-h100 --tp 8");
  CHECK_THAT(outcome.out, ContainsSubstring("4,096 tokens × 1,024 sequences"));
  CHECK_THAT(outcome.out, ContainsSubstring("assumed: 4,096 tokens per sequence, 1,024 sequences per step"));
  // A learned table of 2,048 positions.
  CHECK_THAT(run_tool("plan gpt3-175b --on dgx-h100 --nodes 16 --tp 8 --pp 8").out,
             ContainsSubstring("2,048 tokens × 2,048 sequences"));
}

TEST_CASE("a file that begins with a launcher's flag is read as its arguments, whatever its name") {
  const TemporaryFile arguments(
      ".txt",
      "--num-layers 2 --hidden-size 256 --num-attention-heads 4 --vocab-size 512 --seq-length 128\n"
      "--max-position-embeddings 128 --micro-batch-size 1 --global-batch-size 8 --bf16\n");
  const Outcome outcome =
      shell("FORESHARD plan '" + arguments.path().string() + "' --on dgx-h100 --format json");
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("\"total\""));
}

TEST_CASE("a model alone is refused with what to write") {
  check_refused("plan llama3-70b",
                "say what it is trained on: foreshard plan llama3-70b --on dgx-h100 --tp 8");
  check_refused("plan llama3-70b --on dgx-h10", "did you mean 'dgx-h100'?");
}

TEST_CASE("a key without its map is refused with the whole key") {
  check_refused("plan " + kJob + " --set tp=4", "did you mean parallelism.tp=4?");
  check_refused("plan " + kJob + " --set global_batch=64", "did you mean training.global_batch=64?");
}

TEST_CASE("ranges in compare double") {
  const std::string compare = "compare " + kJob + " --format csv ";
  CHECK(run_tool(compare + "--tp 1-8").out == run_tool(compare + "--tp 1,2,4,8").out);
  CHECK(run_tool(compare + "--zero 0-3").out == run_tool(compare + "--zero 0,1,2,3").out);
}

TEST_CASE("the same input gives the same output, byte for byte") {
  const std::string format = GENERATE("table", "json", "csv");
  const std::string command =
      GENERATE("plan " + kJob, "compare " + kJob + " --tp 4,8", std::string("score nanotron --bands"));
  const std::string arguments = command + " --format " + format;
  CHECK(run_tool(arguments).out == run_tool(arguments).out);
}

TEST_CASE("a reader that has gone is no failure, a full disk is") {
  const Outcome closed = shell("{ FORESHARD --help; echo code $? >&2; } | true");
  CHECK(closed.err == "code 0\n");
  if (fs::exists("/dev/full")) {
    const Outcome full = run_tool("--help > /dev/full");
    CHECK(full.code == 3);
    CHECK_THAT(full.err, ContainsSubstring("standard output cannot be written"));
  }
}

TEST_CASE("a trace is not written over its job, a directory or the file that standard output goes to") {
  const std::string text = read_file(FORESHARD_SOURCE_DIR "/configs/jobs/llama3-8b-8h100.yaml");
  const TemporaryFile job(".yaml", text);
  const std::string path = "'" + job.path().string() + "'";
  const std::string refusal = "which this command reads; name another file";
  check_refused("simulate " + path + " --trace " + path, refusal);
  check_refused("simulate - <" + path + " --trace " + path, "the same file as '<stdin>', " + refusal);
  check_refused("simulate llama3-8b-8h100 --trace /", "'/' is a directory; name a file in it");
  CHECK(read_file(job.path()) == text);
  const TemporaryFile result(".txt");
  const std::string out = "'" + result.path().string() + "'";
  const Outcome same = shell("FORESHARD simulate llama3-8b-8h100 --trace " + out + " >" + out);
  CHECK(same.code == 2);
  CHECK_THAT(same.err, ContainsSubstring(
                           "is the file to which standard output goes; name another file, or /dev/stdout"));
}

TEST_CASE("a trace may go to a device or a pipe") {
  CHECK(run_tool("simulate llama3-8b-8h100 --trace /dev/null").out ==
        run_tool("simulate llama3-8b-8h100").out);
  CHECK(fs::is_character_file("/dev/null"));
  const Outcome piped = run_tool("simulate llama3-8b-8h100 --trace /dev/stdout");
  CHECK(piped.code == 0);
  CHECK(piped.out.substr(0, 24) == "{\"displayTimeUnit\":\"ns\",");
  CHECK_THAT(piped.out, ContainsSubstring("One step takes"));
  const Outcome closed =
      shell("{ FORESHARD simulate llama3-8b-8h100 --trace /dev/stdout; echo code $? >&2; } | head -c 10");
  CHECK(closed.out == "{\"displayT");
  CHECK(closed.err == "code 0\n");
}

TEST_CASE("a trace can be compressed, and of a few micro-batches") {
  const TemporaryFile zipped(".json.gz");
  const std::string path = "'" + zipped.path().string() + "'";
  const std::string simulate = "FORESHARD simulate llama3-8b-8h100 --trace-micro-batches 1 --trace ";
  const Outcome whole = shell(simulate + "/dev/stdout --format csv");
  const Outcome unzipped = shell(simulate + path + " --format csv >/dev/null && gzip -dc " + path);
  CHECK(unzipped.code == 0);
  CHECK_THAT(unzipped.out, ContainsSubstring("\"otherData\":{\"micro_batches_written\":1,"));
  CHECK(whole.out.substr(0, unzipped.out.size()) == unzipped.out);
  check_refused("simulate " + kJob + " --trace-micro-batches 2", "is about a trace: name it by --trace");
  check_refused("simulate " + kJob + " --trace x --trace-micro-batches 0", "--trace-micro-batches");
}

TEST_CASE("an input without an end is refused with the most that is read") {
  if (!fs::exists("/dev/zero")) return;
  const std::string refusal = "it holds more than 64 MiB, the most that is read of one input";
  check_refused("plan - </dev/zero", "<stdin>: " + refusal);
  check_refused("plan /dev/zero", refusal);
  check_refused("plan " + kJob + " --set model=/dev/zero", refusal);
  check_refused("plan - <.", "this is a directory, not a file");
}
