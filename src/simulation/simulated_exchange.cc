#include "simulation/simulated_exchange.h"

namespace divan::simulation {
namespace {

constexpr Millis kBodyTimeout{60'000}; // [divan] body_timeout_ms

} // namespace

Task<net::Wake> SimulatedExchange::wait(std::shared_ptr<Event> event, Millis timeout) {
    auto woken = co_await wait_for(loop_, event, timeout, link_->broken());
    switch (woken) {
    case WaitEnd::event:
        co_return net::Wake::event;
    case WaitEnd::timeout:
        co_return net::Wake::timeout;
    case WaitEnd::cancelled:
        break;
    }
    co_return net::Wake::closed;
}

void SimulatedExchange::close() {
    if (!link_->to_client.ended)
        link_->break_off();
    Link::stop(link_->to_server);
}

Task<Result<std::string>> SimulatedExchange::read_some(std::size_t bytes_max) {
    co_return co_await link_->read(link_->to_server, bytes_max, kBodyTimeout);
}

Task<Result<void>> SimulatedExchange::send(net::ResponseHead head, std::string body) {
    if (!body.empty())
        head.headers.set("Content-Length", std::to_string(body.size()));
    auto sent = co_await start(std::move(head), std::nullopt);
    if (sent.ok())
        sent = co_await write(std::move(body));
    if (sent.ok())
        sent = co_await finish();
    co_return sent;
}

Task<Result<void>> SimulatedExchange::start(net::ResponseHead head, std::optional<std::uint64_t> length) {
    status_ = head.status;
    if (length)
        head.headers.set("Content-Length", std::to_string(*length));
    co_return co_await link_->send_head(std::move(head));
}

Task<Result<void>> SimulatedExchange::write(std::string bytes) {
    if (head_.method == "HEAD")
        co_return Result<void>();
    bytes_sent_ += bytes.size();
    co_return co_await link_->write(link_->to_client, std::move(bytes));
}

Task<Result<void>> SimulatedExchange::finish() {
    if (link_->broken().cancelled())
        co_return ErrorCode::cancelled;
    link_->end(link_->to_client);
    co_return Result<void>();
}

} // namespace divan::simulation
