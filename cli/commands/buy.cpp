#include "cli/commands/buy.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "cli/options/common_options.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/job_options.hpp"
#include "cli/options/owning_options.hpp"
#include "cli/options/price_option.hpp"
#include "cli/options/search_options.hpp"
#include "cli/options/target.hpp"
#include "cli/options/value_list.hpp"
#include "cli/terminal/progress.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/search/buy_record.hpp"
#include "planner/report/search/buy_table.hpp"
#include "planner/search/best/purchase.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/units/parse_quantity.hpp"

namespace foreshard::cli {
namespace {

constexpr WholeBounds kMostDevicesBounds{.least = 1, .most = 1'000'000};

struct BuyOptions {
  SpaceOptions space;
  std::vector<std::string> clusters;
  std::optional<Seconds> deadline;
  std::optional<Dollars> budget;
  std::int64_t most_devices = 65'536;
  std::vector<ClusterPrice> prices;
  OwningOptions owning;
  OutputChoice output;
};

/// A time with its unit; "30 days" is "30 d".
Seconds parse_deadline(const std::string& option, const std::string& text) {
  std::string time = text;
  for (const std::string word : {"days", "day"}) {
    if (!time.ends_with(word)) continue;
    time.replace(time.size() - word.size(), word.size(), "d");
    break;
  }
  const auto parsed = parse_quantity<Seconds>(time);
  if (const auto* seconds = std::get_if<Seconds>(&parsed); seconds != nullptr && *seconds > Seconds(0.0))
    return *seconds;
  throw UsageError(fmt::format("{} takes a time, as in '30 days', not '{}'", option, text));
}

PurchaseRequest request_of(const BuyOptions& options, const JobSpec& job) {
  if (options.deadline.has_value() == options.budget.has_value())
    throw UsageError("buy needs either --deadline or --budget");
  if (!job.training.steps())
    throw UsageError(
        "nothing says how long the training is: set training.tokens, as in --set training.tokens=15T");
  PurchaseRequest request;
  request.job = job;
  std::set<std::string> names;
  for (const std::string& name : options.clusters) request.clusters.push_back(load_cluster(name));
  if (request.clusters.empty()) request.clusters.push_back(job.cluster);
  for (ClusterSpec& cluster : request.clusters) {
    set_price(cluster, options.prices);
    names.insert(cluster.name);
  }
  check_prices(options.prices, names);
  check_owned(options.owning.clusters, request.clusters);
  request.owned = options.owning.clusters;
  request.owning = options.owning.terms;
  request.deadline = options.deadline;
  request.budget = options.budget;
  request.free = free_axes(options.space, job);
  request.memory_margin = options.space.memory_margin;
  request.most_devices = options.most_devices;
  request.threads = threads_of(options.space);
  return request;
}

CommandResult run_buy(const BuyOptions& options) {
  PurchaseRequest request =
      request_of(options, load_only_job(options.space.job, options.space.changes, "buy"));
  Purchase purchase;
  {
    Progress progress(true);
    request.progress = progress.listener();
    request.stop = &progress.stop();
    purchase = plan_purchase(request);
  }
  return result_of(
      {.table = [&] { return buy_table(purchase); }, .record = [&] { return report::buy_record(purchase); }},
      options.output, purchase.ranking.empty() ? ExitCode::no : ExitCode::done);
}

std::vector<OptionSpec> buy_options(BuyOptions& options) {
  std::vector<OptionSpec> specs{
      {.name = "--cluster",
       .value = "LIST",
       .help = "Clusters to choose from, by name or file; default the job's",
       .offer = Offer::clusters,
       .target = setter([&clusters = options.clusters](const std::string& option, const std::string& text) {
         clusters = split_list(option, text);
       })},
      {.name = "--deadline",
       .value = "TIME",
       .help = "The training ends within this time, as in '30 days'",
       .target = setter([&deadline = options.deadline](const std::string& option, const std::string& text) {
         deadline = parse_deadline(option, text);
       })},
      {.name = "--budget",
       .value = "USD",
       .help = "The training costs no more, as in '2M USD'",
       .target = setter([&budget = options.budget](const std::string& option, const std::string& text) {
         budget = parse_money(option, text);
       })},
      {.name = "--most-devices",
       .value = "N",
       .help = "The largest cluster that is tried; default 65,536",
       .target = whole_number(options.most_devices, kMostDevicesBounds)}};
  for (OptionSpec& option : space_options(options.space)) specs.push_back(std::move(option));
  specs.push_back(price_option(options.prices));
  for (OptionSpec& option : owning_options(options.owning)) specs.push_back(std::move(option));
  specs.push_back(format_option(options.output.format));
  specs.push_back(html_option(options.output));
  for (OptionSpec& option : job_options(options.space.changes)) specs.push_back(std::move(option));
  return specs;
}

}  // namespace

Command buy_command() {
  const auto options = std::make_shared<BuyOptions>();
  return {
      .spec =
          {.name = "buy",
           .summary = "Find how many devices of which cluster a deadline or a budget needs.",
           .arguments = {{.name = "JOB",
                          .help = kJobHelp,
                          .is_required = true,
                          .offer = Offer::jobs,
                          .target = text(options->space.job)}},
           .options = buy_options(*options),
           .notes =
               axes_help() +
               " Sizes are whole nodes: twice as many each time, and with a deadline three sizes between the "
               "last two.",
           .examples = "foreshard buy llama3-70b-64h100 --cluster dgx-h100,dgx-b200 --deadline '60 days'\n"
                       "foreshard buy my-job.yaml --budget '2M USD' --price dgx-h100=2.2\n"
                       "foreshard buy llama3-70b-64h100 --deadline '60 days' --own dgx-h100=45k "
                       "--electricity 0.11\n"},
      .run = [options] { return run_buy(*options); },
      .nothing_done = "nothing planned"};
}

}  // namespace foreshard::cli
