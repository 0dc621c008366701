// _approx_count_distinct: the number of different keys, by HyperLogLog with 2^11 registers: an error of about
// 2 %. Few keys are counted exactly, by their hashes. As in CouchDB keys differ if their texts do.

#include "base/bytes.h"
#include "views/reduce_functions.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

namespace divan::views {
namespace {

constexpr char kSparse = 's';
constexpr char kDense = 'd';
constexpr unsigned kPrecisionBits = 11;
constexpr std::size_t kRegisters = std::size_t(1) << kPrecisionBits;
constexpr unsigned kRankBits = 64 - kPrecisionBits;
constexpr std::uint8_t kRankMax = kRankBits + 1;
// So many hashes take half the bytes of the registers.
constexpr std::size_t kHashesMax = 128;
constexpr std::size_t kHashBytes = 8;

// The estimate of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017): unbiased
// at every size without tables.
double sigma(double x) {
    if (x == 1)
        return HUGE_VAL;
    double sum = x;
    double before = 0;
    for (double y = 1; sum != before; y += y) {
        x *= x;
        before = sum;
        sum += x * y;
    }
    return sum;
}

double tau(double x) {
    if (x == 0 || x == 1)
        return 0;
    double sum = 1 - x;
    double before = 0;
    double y = 1;
    while (sum != before) {
        x = std::sqrt(x);
        before = sum;
        y *= 0.5;
        sum -= (1 - x) * (1 - x) * y;
    }
    return sum / 3;
}

class Sketch {
  public:
    void add(std::uint64_t hash) { hashes_.push_back(hash); }
    bool add(std::string_view summary); // false: it cannot be read
    [[nodiscard]] std::string summary();
    [[nodiscard]] std::uint64_t estimate();

  private:
    bool add_hashes(std::string_view bytes);
    bool add_registers(std::string_view bytes);
    // Makes it sparse or dense; which one depends on what was added only.
    void settle();

    std::vector<std::uint64_t> hashes_;
    std::vector<std::uint8_t> registers_; // empty: sparse
};

bool Sketch::add(std::string_view summary) {
    if (summary.starts_with(kSparse))
        return add_hashes(summary.substr(1));
    return summary.starts_with(kDense) && add_registers(summary.substr(1));
}

bool Sketch::add_hashes(std::string_view bytes) {
    if (bytes.size() % kHashBytes != 0 || bytes.size() / kHashBytes > kHashesMax)
        return false;
    ByteReader reader(bytes);
    while (!reader.at_end())
        add(reader.u64());
    return true;
}

bool Sketch::add_registers(std::string_view bytes) {
    if (bytes.size() != kRegisters)
        return false;
    registers_.resize(kRegisters);
    for (std::size_t i = 0; i < kRegisters; ++i) {
        auto rank = static_cast<std::uint8_t>(bytes[i]);
        if (rank > kRankMax)
            return false;
        registers_[i] = std::max(registers_[i], rank);
    }
    return true;
}

void Sketch::settle() {
    std::sort(hashes_.begin(), hashes_.end());
    hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
    if (registers_.empty() && hashes_.size() <= kHashesMax)
        return;
    registers_.resize(kRegisters);
    for (auto hash : hashes_) {
        auto index = static_cast<std::size_t>(hash >> kRankBits);
        auto zeros = std::min(static_cast<unsigned>(std::countl_zero(hash << kPrecisionBits)), kRankBits);
        registers_[index] = std::max(registers_[index], static_cast<std::uint8_t>(zeros + 1));
    }
    hashes_.clear();
}

std::string Sketch::summary() {
    settle();
    std::string out;
    if (registers_.empty()) {
        out.push_back(kSparse);
        for (auto hash : hashes_)
            append_u64(out, hash);
        return out;
    }
    out.push_back(kDense);
    out.append(registers_.begin(), registers_.end());
    return out;
}

std::uint64_t Sketch::estimate() {
    settle();
    if (registers_.empty())
        return hashes_.size();
    std::array<double, kRankMax + 1> counts{};
    for (auto rank : registers_)
        ++counts[rank];
    constexpr auto kCount = static_cast<double>(kRegisters);
    double z = kCount * tau(1 - counts[kRankMax] / kCount);
    for (std::size_t rank = kRankBits; rank >= 1; --rank)
        z = (z + counts[rank]) / 2;
    z += kCount * sigma(counts[0] / kCount);
    // Registers that all stand at their end (which none of our hashes reaches) have no estimate.
    constexpr double kEstimateMax = 0x1p63;
    auto estimate = kCount * kCount / (2 * std::numbers::ln2 * z);
    return static_cast<std::uint64_t>(std::round(std::min(estimate, kEstimateMax)));
}

class DistinctReduce final : public BuiltinReduce {
  public:
    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        Sketch sketch;
        for (const auto &row : rows)
            sketch.add(XXH3_64bits(row.key.data(), row.key.size()));
        return sketch.summary();
    }
    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        Sketch sketch;
        for (auto summary : summaries)
            if (!sketch.add(summary))
                return std::string(kDamagedSummary);
        return sketch.summary();
    }
    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        Sketch sketch;
        if (!sketch.add(summary))
            return damaged_summary();
        return std::to_string(sketch.estimate());
    }
};

} // namespace

std::unique_ptr<BuiltinReduce> make_distinct_reduce() {
    return std::make_unique<DistinctReduce>();
}

} // namespace divan::views
