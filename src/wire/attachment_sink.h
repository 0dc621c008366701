#pragma once

// Where the bytes of an uploaded attachment go: compressed if its type is compressible, counted, stored.

#include "base/task.h"
#include "db/database.h"
#include "net/gzip.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace divan::config {
class Config;
}

namespace divan::wire {

class AttachmentSink {
  public:
    // `already_gzip`: the client sends gzip (Content-Encoding or a member `encoding`): kept as it is.
    static Result<std::unique_ptr<AttachmentSink>> open(const config::Config &config, db::Database &database,
                                                        std::string name, std::string_view content_type,
                                                        bool already_gzip);

    // Errors: attachment_too_large (reason: the name), and the engine's. Blocks on the engine.
    Result<void> write(std::string_view bytes);
    // `content_bytes`: of bytes that came as gzip, how many they inflate to, if that was told.
    Result<db::StoredData> finish(std::optional<std::uint64_t> content_bytes = {});
    // What write() was given so far.
    [[nodiscard]] std::uint64_t received_bytes() const { return received_bytes_; }

  private:
    std::string name_;
    std::uint64_t bytes_max_ = 0;
    std::uint64_t received_bytes_ = 0;
    bool already_gzip_ = false;
    std::unique_ptr<net::GzipWriter> compressor_;
    std::unique_ptr<db::AttachmentUpload> upload_;
};

// Writes everything that `source` (a request's body or a part of one) still has, on `pool`. Errors: those of
// the source and of the sink. Goes on on `home`, where the source is read.
template <typename Source>
Task<Result<void>> pour(Executor &pool, Executor &home, Source &source, AttachmentSink &sink) {
    constexpr std::size_t kReadBytes = 256 << 10;
    for (;;) {
        auto bytes = co_await source.read_some(kReadBytes);
        if (!bytes.ok())
            co_return bytes.error();
        if (bytes->empty())
            co_return Result<void>();
        auto written = co_await run_on(pool, home, [&] { return sink.write(*bytes); });
        if (!written.ok())
            co_return written.error();
    }
}

} // namespace divan::wire
