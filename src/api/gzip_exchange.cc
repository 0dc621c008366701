#include "api/gzip_exchange.h"

#include "config/config.h"

namespace divan::api {
namespace {

constexpr std::size_t kCompressedBytesMin = 1'024;
// Smaller pieces cost less than the way to the pool and back.
constexpr std::size_t kPoolBytesMin = 16 << 10;

bool is_json(const net::ResponseHead &head) {
    return head.headers.find("Content-Type").value_or("").starts_with("application/json") &&
           !head.headers.contains("Content-Encoding");
}

void mark(net::Headers &headers) {
    headers.add("Content-Encoding", "gzip");
    headers.add("Vary", "Accept-Encoding");
}

} // namespace

std::optional<int> compression_level(const net::RequestHead &head, const config::Config &config) {
    auto accepted = head.headers.find("Accept-Encoding");
    if (!accepted || accepted->find("gzip") == std::string_view::npos || head.method == "HEAD")
        return std::nullopt;
    auto to = config.text("divan", "compressed_responses");
    bool divan = head.headers.find("User-Agent").value_or("").starts_with("Divan");
    auto level = static_cast<int>(config.integer("replicator", "compression_level"));
    if (level == 0 || to == "none" || (to == "divan" && !divan))
        return std::nullopt;
    return level;
}

Task<net::Wake> GzipExchange::wait(std::shared_ptr<Event> event, Millis timeout) {
    co_return co_await original_.wait(std::move(event), timeout);
}

Task<std::string> GzipExchange::compress(std::string bytes, bool end) {
    auto work = [&] {
        auto compressed = bytes.empty() ? std::string() : gzip_->write(bytes);
        compressed.append(end ? gzip_->finish() : gzip_->flush());
        return compressed;
    };
    if (bytes.size() < kPoolBytesMin)
        co_return work();
    co_return co_await run_on(pool_, executor(), work);
}

Task<Result<void>> GzipExchange::send(net::ResponseHead head, std::string body) {
    if (is_json(head) && body.size() >= kCompressedBytesMin) {
        gzip_ = std::make_unique<net::GzipWriter>(level_);
        body = co_await compress(std::move(body), true);
        mark(head.headers);
    }
    co_return co_await original_.response().send(std::move(head), std::move(body));
}

Task<Result<void>> GzipExchange::start(net::ResponseHead head, std::optional<std::uint64_t> length) {
    if (is_json(head) && !length) {
        gzip_ = std::make_unique<net::GzipWriter>(level_);
        mark(head.headers);
    }
    co_return co_await original_.response().start(std::move(head), length);
}

Task<Result<void>> GzipExchange::write(std::string bytes) {
    // Whole at once: a feed's row or heartbeat must not wait for the next one.
    if (gzip_)
        bytes = co_await compress(std::move(bytes), false);
    co_return co_await original_.response().write(std::move(bytes));
}

Task<Result<void>> GzipExchange::finish() {
    if (gzip_) {
        auto rest = co_await compress(std::string(), true);
        auto written = co_await original_.response().write(std::move(rest));
        if (!written.ok())
            co_return written;
    }
    co_return co_await original_.response().finish();
}

} // namespace divan::api
