#include "planner/report/record.hpp"

#include <utility>

namespace foreshard::report {

Record record_of(Fields fields, std::vector<std::string> row_keys) {
  Record record{.objects = {}, .row_keys = std::move(row_keys)};
  record.objects.push_back(std::move(fields));
  return record;
}

}  // namespace foreshard::report
