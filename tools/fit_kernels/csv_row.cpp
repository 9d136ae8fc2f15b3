#include "tools/fit_kernels/csv_row.hpp"

#include <cmath>
#include <stdexcept>

namespace foreshard::fit {

double CsvRow::number(const char* column) const {
  const double value = table_.number(row_, column);
  if (!(value > 0.0)) complain(column);
  return value;
}

std::int64_t CsvRow::whole(const char* column) const {
  const double value = number(column);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value != std::floor(value) || value > kExact) complain(column);
  return static_cast<std::int64_t>(value);
}

bool CsvRow::flag(const char* column) const {
  const std::string& field = text(column);
  if (field != "yes" && field != "no") complain(column);
  return field == "yes";
}

void CsvRow::complain(const char* column) const {
  constexpr std::size_t kFirstLine = 2;  // below the header
  throw std::runtime_error(file_ + ":" + std::to_string(row_ + kFirstLine) + ": " + column + ": '" +
                           text(column) + "' is not what belongs there");
}

}  // namespace foreshard::fit
