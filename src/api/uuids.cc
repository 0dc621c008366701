#include "api/uuids.h"

#include "base/bytes.h"
#include "base/encoding.h"
#include "config/config.h"

#include <fmt/format.h>
#include <mutex>

namespace divan::api {
namespace {

// The monotonic algorithm: a random prefix, and a suffix that grows by random steps (couch_uuids).
class SequentialIds {
  public:
    std::string next(Random &random) {
        std::lock_guard lock(mutex_);
        constexpr std::uint64_t kSuffixMax = 0xfff000;
        auto bytes = random.bytes(2);
        auto step =
            (static_cast<unsigned char>(bytes[0]) << 4 | (static_cast<unsigned char>(bytes[1]) >> 4)) + 1;
        suffix_ += static_cast<std::uint64_t>(step);
        if (prefix_.empty() || suffix_ >= kSuffixMax) {
            prefix_ = hex_encode(random.bytes(13));
            suffix_ = static_cast<std::uint64_t>(step);
        }
        return prefix_ + fmt::format("{:06x}", suffix_);
    }

  private:
    std::mutex mutex_;
    std::string prefix_;
    std::uint64_t suffix_ = 0;
};

std::string uuid_v7(const Services &services) {
    auto millis =
        static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(services.clock.now()).count());
    std::string bytes;
    append_u64(bytes, millis << 16);
    bytes.resize(6);
    bytes += services.random.bytes(10);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x70);
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
    return hex_encode(bytes);
}

} // namespace

std::string new_uuid(const Services &services) {
    auto algorithm = services.config.text("uuids", "algorithm");
    auto micros = [&] { return fmt::format("{:014x}", services.clock.now().count()); };
    if (algorithm == "random")
        return hex_encode(services.random.bytes(16));
    if (algorithm == "utc_random")
        return micros() + hex_encode(services.random.bytes(9));
    if (algorithm == "utc_id")
        return micros() + services.config.text("uuids", "utc_id_suffix");
    if (algorithm == "sequential") {
        // Ids of one server follow each other: the state belongs to the process.
        static SequentialIds sequential;
        return sequential.next(services.random);
    }
    return uuid_v7(services);
}

} // namespace divan::api
