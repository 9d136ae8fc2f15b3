// Numbers of 8 bits, and the kernels that make and read copies in them. The plain reference here looks for the nearest of
// all codes and tries scales one by one; it shares nothing with the code under test but the calls.
#include <cmath>
#include <limits>

#include "runtime/device/cpu/cpu_device.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "tests/runtime/kernels/run_case.hpp"

namespace foreshard::test {
namespace {

/// The value of a code by its definition, bit by bit: (−1)^s · 2^(e − bias) · 1.m, or 2^(1 − bias) · 0.m for e = 0.
double defined_value(CodeFormat format, int code) {
  const bool is_e4m3 = format == CodeFormat::e4m3;
  const int mantissa_bits = is_e4m3 ? 3 : 2;
  const int exponent_bits = is_e4m3 ? 4 : 5;
  const int bias = is_e4m3 ? 7 : 15;
  const double sign = code / 128 == 1 ? -1.0 : 1.0;
  int exponent = 0;
  for (int bit = 0; bit < exponent_bits; ++bit) exponent += ((code >> (mantissa_bits + bit)) % 2) << bit;
  double fraction = 0.0;
  for (int bit = 0; bit < mantissa_bits; ++bit)
    fraction += ((code >> bit) % 2) * std::pow(2.0, bit - mantissa_bits);
  // e4m3 has one NaN of each sign, with all bits set. e5m2 has infinities and NaNs where all bits of e are set.
  if (is_e4m3 && code % 128 == 127) return std::nan("");
  if (!is_e4m3 && exponent == 31)
    return fraction > 0.0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::pow(2.0, 1 - bias) * fraction;
  return sign * std::pow(2.0, exponent - bias) * (1.0 + fraction);
}

/// The nearest finite value, of two equally near ones that of the even code; beyond the largest, the largest.
double nearest_value(CodeFormat format, double x) {
  double best = 0.0;
  int best_code = 0;
  for (int code = 0; code < 256; ++code) {
    const double value = defined_value(format, code);
    if (!std::isfinite(value)) continue;
    const double distance = std::abs(value - x);
    const double least = std::abs(best - x);
    if (distance < least || (distance == least && code % 2 == 0 && best_code % 2 == 1)) {
      best = value;
      best_code = code;
    }
  }
  return best;
}

double largest_value(CodeFormat format) { return format == CodeFormat::e4m3 ? 448.0 : 57344.0; }

/// The smallest power of two by which magnitudes up to `largest` can be divided and then fit.
double smallest_scale(CodeFormat format, double largest) {
  if (largest == 0.0) return 1.0;
  double scale = std::pow(2.0, -100);
  while (largest > largest_value(format) * scale) scale *= 2.0;
  return scale;
}

constexpr CodeFormat kFormats[] = {CodeFormat::e4m3, CodeFormat::e5m2};

TEST_CASE("all 256 codes of both formats stand for what their bits say") {
  for (const CodeFormat format : kFormats) {
    const auto& values = code_values(format);
    for (int code = 0; code < 256; ++code) {
      CAPTURE(static_cast<int>(format), code);
      const double defined = defined_value(format, code);
      const double found = values[static_cast<std::size_t>(code)];
      CHECK((std::isnan(defined) ? std::isnan(found) : found == defined));
      if (!std::isnan(defined)) CHECK(std::signbit(found) == (code >= 128));
    }
  }
  // By hand: 0 1000 000 of e4m3 is 2¹; 0 1111 110 is 2⁸·1.75; 0 0000 001 is 2⁻⁶/8. 0 10000 00 of e5m2 is 2¹;
  // 0 11110 11 is 2¹⁵·1.75; 0 00000 01 is 2⁻¹⁴/4.
  CHECK(code_values(CodeFormat::e4m3)[0x40] == 2.0F);
  CHECK(code_values(CodeFormat::e4m3)[0x7e] == 448.0F);
  CHECK(code_values(CodeFormat::e4m3)[0x01] == 0.001953125F);
  CHECK(code_values(CodeFormat::e5m2)[0x40] == 2.0F);
  CHECK(code_values(CodeFormat::e5m2)[0x7b] == 57344.0F);
  CHECK(code_values(CodeFormat::e5m2)[0x01] == 0.0000152587890625F);
}

TEST_CASE("a value has its own code, halves go to the even code, and what is too large saturates") {
  for (const CodeFormat format : kFormats) {
    const int largest = format == CodeFormat::e4m3 ? 0x7e : 0x7b;
    for (int code = 0; code <= largest; ++code) {
      CAPTURE(static_cast<int>(format), code);
      const auto value = static_cast<float>(defined_value(format, code));
      CHECK(encode(format, value) == code);
      CHECK(encode(format, -value) == code + 128);
      if (code == largest) continue;
      const auto next = static_cast<float>(defined_value(format, code + 1));
      const float middle = (value + next) / 2;  // exact: both have few bits
      CHECK(encode(format, middle) == (code % 2 == 0 ? code : code + 1));
      CHECK(encode(format, std::nextafter(middle, 0.0F)) == code);
      CHECK(encode(format, std::nextafter(middle, next)) == code + 1);
      CHECK(encode(format, -middle) == (code % 2 == 0 ? code : code + 1) + 128);
    }
    const auto most = static_cast<float>(largest_value(format));
    for (const float beyond :
         {std::nextafter(most, 1e9F), 1.06F * most, 1e30F, std::numeric_limits<float>::infinity()}) {
      CHECK(encode(format, beyond) == largest);
      CHECK(encode(format, -beyond) == largest + 128);
      CHECK(nearest_code_value(format, beyond) == most);
    }
    CHECK(std::isnan(code_values(format)[encode(format, std::nanf(""))]));
    CHECK(std::isnan(nearest_code_value(format, std::nan(""))));
  }
}

TEST_CASE("numbers of all sizes are rounded to the nearest code, by bits and by arithmetic") {
  Draw draw(21);
  for (const CodeFormat format : kFormats) {
    for (int exponent = -30; exponent <= 18; ++exponent) {
      for (const double x : draw.numbers(20, std::pow(2.0, exponent))) {
        CAPTURE(static_cast<int>(format), x);
        const double nearest = nearest_value(format, x);
        CHECK(code_values(format)[encode(format, static_cast<float>(x))] == nearest);
        CHECK(nearest_code_value(format, x) == nearest);
      }
    }
  }
}

TEST_CASE("scales are the smallest powers of two with which the largest magnitude fits, by hand") {
  CHECK(scale_exponent(CodeFormat::e4m3, 448.0) == 0);
  CHECK(scale_exponent(CodeFormat::e4m3, 449.0) == 1);
  CHECK(scale_exponent(CodeFormat::e4m3, 1.0) == -8);  // 448/256 = 1.75, 448/512 = 0.875
  CHECK(scale_exponent(CodeFormat::e4m3, 1.75) == -8);
  CHECK(scale_exponent(CodeFormat::e4m3, 1.76) == -7);
  CHECK(scale_exponent(CodeFormat::e5m2, 57344.0) == 0);
  CHECK(scale_exponent(CodeFormat::e5m2, 1.0) == -15);  // 57344/32768 = 1.75
  CHECK(scale_exponent(CodeFormat::e4m3, 0.0) == 0);
  CHECK(scale_exponent(CodeFormat::e4m3, std::nan("")) == 0);
  CHECK(scale_exponent(CodeFormat::e4m3, 1e-40) == -100);
  CHECK(scale_exponent(CodeFormat::e4m3, std::numeric_limits<double>::infinity()) == 100);
}

/// Where the tests keep a matrix of a device.
class Place {
 public:
  Place(Device& device, DType type, std::int64_t elements)
      : device_(device),
        memory_(device.allocate(elements * 8)),
        buffer_{memory_->data(), elements, device.stored_as(type)} {}
  Place(Device& device, DType type, const Numbers& values)
      : Place(device, type, static_cast<std::int64_t>(values.size())) {
    device.write(buffer_, values.data());
  }
  [[nodiscard]] const Buffer& buffer() const { return buffer_; }
  [[nodiscard]] Numbers values() const {
    Numbers read(static_cast<std::size_t>(buffer_.elements));
    device_.read(buffer_, read.data());
    return read;
  }

 private:
  Device& device_;
  std::unique_ptr<DeviceMemory> memory_;
  Buffer buffer_;
};

/// A matrix of 8-bit numbers on a device.
struct Coded {
  Coded(Device& device, CodedMatrix shape, DType scales = DType::fp32)
      : matrix(shape),
        numbers(device, DType::fp8, shape.rows * shape.columns),
        scale(device, scales, shape.scale_rows() * shape.scale_columns()) {
    matrix.numbers = numbers.buffer();
    if (matrix.holds_codes()) matrix.scales = scale.buffer();
  }
  CodedMatrix matrix;
  Place numbers;
  Place scale;
};

/// What a device makes of x: quantised, then decoded.
Numbers round_trip(Device& device, const QuantiseCall& call, const Numbers& x, DType type,
                   DType scales = DType::fp32) {
  const Place source(device, type, x);
  Coded coded(device, call.to, scales);
  QuantiseCall bound = call;
  bound.x = source.buffer();
  bound.to = coded.matrix;
  device.run(bound);
  const Place y(device, DType::bf16, static_cast<std::int64_t>(x.size()));
  device.run(DecodeCall{.from = coded.matrix, .y = y.buffer()});
  return y.values();
}

/// The same by search, block by block.
Numbers rounded_by_search(const CodedMatrix& shape, const Numbers& x) {
  Numbers y(x.size());
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return static_cast<std::size_t>(row * shape.columns + column);
  };
  for (std::int64_t row = 0; row < shape.rows; ++row) {
    for (std::int64_t column = 0; column < shape.columns; ++column) {
      double largest = 0.0;
      for (std::int64_t r = 0; r < shape.rows; ++r)
        for (std::int64_t c = 0; c < shape.columns; ++c)
          if (r / shape.block_rows == row / shape.block_rows &&
              c / shape.block_columns == column / shape.block_columns)
            largest = std::max(largest, std::abs(x[at(r, c)]));
      const double scale = smallest_scale(shape.format, largest);
      y[at(row, column)] = scale * nearest_value(shape.format, x[at(row, column)] / scale);
    }
  }
  return y;
}

/// Rows of very different sizes, some of them zero.
Numbers uneven_rows(std::int64_t rows, std::int64_t columns) {
  Draw draw(22);
  Numbers x;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double size = row % 5 == 4 ? 0.0 : std::pow(2.0, static_cast<double>(row % 7 * 4 - 14));
    for (const double number : draw.numbers(columns, size))
      x.push_back(std::ldexp(std::round(std::ldexp(number, 12)), -12));
  }
  return x;
}

struct ShapeCase {
  const char* name;
  CodedMatrix shape;
  DType scales = DType::fp32;
};

std::vector<ShapeCase> shape_cases(CodeFormat format) {
  const auto shape = [&](std::int64_t block_rows, std::int64_t block_columns) {
    return CodedMatrix{.format = format,
                       .rows = 20,
                       .columns = 12,
                       .block_rows = block_rows,
                       .block_columns = block_columns};
  };
  CodedMatrix turned = shape(20, 12);
  turned.transposed = true;
  return {{"tensor", shape(20, 12)},
          {"tensor, stored transposed", turned},
          {"rows", shape(1, 12)},
          {"columns", shape(20, 1)},
          {"of a row", shape(1, 4)},
          {"of a column", shape(5, 1)},
          {"squares", shape(4, 4)},
          {"ragged", shape(8, 5)},
          {"exponents", shape(1, 4), DType::uint8},
          {"exponents across", shape(4, 1), DType::uint8}};
}

TEST_CASE("matrices are quantised as a search over all codes and scales does it") {
  // bf16 has 8 bits: numbers of 6 bits are the same on all devices.
  Numbers x = uneven_rows(20, 12);
  for (double& number : x) {
    int exponent = 0;
    const double fraction = std::frexp(number, &exponent);
    number = std::ldexp(std::round(fraction * 64) / 64, exponent);
  }
  ReferenceDevice reference;
  CpuDevice one(1);
  for (const CodeFormat format : kFormats) {
    for (const ShapeCase& shape : shape_cases(format)) {
      CAPTURE(static_cast<int>(format), shape.name);
      const Numbers expected = rounded_by_search(shape.shape, x);
      const QuantiseCall call{.to = shape.shape};
      CHECK(round_trip(reference, call, x, DType::bf16) == expected);
      CHECK(round_trip(one, call, x, DType::bf16, shape.scales) == expected);
      CHECK(round_trip(one, call, x, DType::fp32, shape.scales) == expected);
    }
  }
}

TEST_CASE("several threads give the codes that one gives") {
  const std::int64_t rows = 96;
  const std::int64_t columns = 512;
  Draw draw(23);
  const Numbers x = draw.numbers(rows * columns);
  CpuDevice one(1);
  for (const int threads : {2, 3}) {
    CpuDevice several(threads);
    for (const auto& [block_rows, block_columns] : {std::pair{rows, columns},
                                                    {std::int64_t{1}, std::int64_t{32}},
                                                    {std::int64_t{32}, std::int64_t{1}}}) {
      const QuantiseCall call{
          .to = {.rows = rows, .columns = columns, .block_rows = block_rows, .block_columns = block_columns}};
      CHECK(round_trip(one, call, x, DType::fp32) == round_trip(several, call, x, DType::fp32));
    }
  }
}

TEST_CASE(
    "a largest magnitude that is given sets the scale, and larger numbers saturate; the largest seen is "
    "kept") {
  ReferenceDevice reference;
  CpuDevice processor(1);
  for (Device* device : {static_cast<Device*>(&reference), static_cast<Device*>(&processor)}) {
    CAPTURE(device->name());
    // 1.75 needs the scale 2⁻⁸, with which e4m3 ends at 448/256 = 1.75: 4 becomes that.
    const Place largest(*device, DType::fp32, Numbers{1.75});
    const Place seen(*device, DType::fp32, Numbers{3.0});
    const QuantiseCall call{.largest = largest.buffer(),
                            .seen = seen.buffer(),
                            .to = {.rows = 2, .columns = 2, .block_rows = 2, .block_columns = 2}};
    CHECK(round_trip(*device, call, {4.0, -1.0, 0.5, 0.0}, DType::fp32) == Numbers{1.75, -1.0, 0.5, 0.0});
    CHECK(seen.values() == Numbers{4.0});
    CHECK(round_trip(*device, call, {2.0, -1.0, 0.5, 0.0}, DType::fp32) == Numbers{1.75, -1.0, 0.5, 0.0});
    CHECK(seen.values() == Numbers{4.0});
  }
}

TEST_CASE("rows beyond those that were routed are not read") {
  ReferenceDevice reference;
  CpuDevice processor(1);
  const RoutedRows routed{.runs = {{0, 0, 2}}, .total = 2};
  const Numbers x{1.0, -3.0, 2.0, 0.5, std::nan(""), 1e30};
  for (Device* device : {static_cast<Device*>(&reference), static_cast<Device*>(&processor)}) {
    CAPTURE(device->name());
    const Place source(*device, DType::fp32, x);
    const Place largest(*device, DType::fp32, Numbers{9.0});
    device->run(
        AmaxCall{.rows = 3, .columns = 2, .routed = &routed, .x = source.buffer(), .y = largest.buffer()});
    CHECK(largest.values() == Numbers{3.0});
    Coded coded(*device, {.rows = 3, .columns = 2, .block_rows = 3, .block_columns = 1});
    device->run(QuantiseCall{.routed = &routed, .x = source.buffer(), .to = coded.matrix});
    const Place y(*device, DType::bf16, Numbers(6, 0.0));
    device->run(DecodeCall{.from = coded.matrix, .y = y.buffer()});
    const Numbers found = y.values();
    CHECK(Numbers(found.begin(), found.begin() + 4) == Numbers{1.0, -3.0, 2.0, 0.5});
  }
}

TEST_CASE("a transposed copy holds the same numbers in the other order") {
  ReferenceDevice reference;
  CpuDevice processor(1);
  const Numbers x{1, 2, 3, 4, 5, 6};
  for (Device* device : {static_cast<Device*>(&reference), static_cast<Device*>(&processor)}) {
    CAPTURE(device->name());
    const CodedMatrix shape{.rows = 2, .columns = 3, .block_rows = 2, .block_columns = 3};
    CodedMatrix turned_shape = shape;
    turned_shape.transposed = true;
    const Place source(*device, DType::fp32, x);
    Coded rows(*device, shape);
    Coded turned(*device, turned_shape);
    device->run(QuantiseCall{.x = source.buffer(), .to = rows.matrix});
    device->run(TransposeCall{.from = rows.matrix, .to = turned.matrix});
    const Numbers straight = rows.numbers.values();
    const Numbers other = turned.numbers.values();
    for (std::size_t row = 0; row < 2; ++row)
      for (std::size_t column = 0; column < 3; ++column)
        CHECK(other[column * 2 + row] == straight[row * 3 + column]);
    const Place y(*device, DType::bf16, Numbers(6, 0.0));
    device->run(DecodeCall{.from = turned.matrix, .y = y.buffer()});
    CHECK(y.values() == x);
  }
}

TEST_CASE("copies with wrong sizes are refused with both") {
  CpuDevice device(1);
  const Place x(device, DType::fp32, Numbers(6, 1.0));
  Coded coded(device, {.rows = 2, .columns = 2, .block_rows = 1, .block_columns = 2});
  CHECK_THROWS_WITH(device.run(QuantiseCall{.x = x.buffer(), .to = coded.matrix}),
                    "quantise: x has 6 elements, but rows·columns = 4");
  coded.matrix.scales = coded.matrix.scales.part(0, 1);
  CHECK_THROWS_WITH(device.run(DecodeCall{.from = coded.matrix, .y = x.buffer()}),
                    "decode: scales has 1 elements, but blocks = 2");
}

}  // namespace
}  // namespace foreshard::test
