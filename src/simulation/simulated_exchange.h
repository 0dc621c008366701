#pragma once

// A request of the simulated network as a handler sees it.

#include "simulation/link.h"

#include <memory>
#include <string>

namespace divan::simulation {

class SimulatedExchange final : public net::Exchange, private net::BodyReader, private net::Response {
  public:
    SimulatedExchange(EventLoop &loop, std::shared_ptr<Link> link, net::RequestHead head,
                      std::optional<std::uint64_t> length)
        : loop_(loop), link_(std::move(link)), head_(std::move(head)), length_(length) {}

    [[nodiscard]] const net::RequestHead &head() const override { return head_; }
    [[nodiscard]] net::BodyReader &body() override { return *this; }
    [[nodiscard]] net::Response &response() override { return *this; }
    [[nodiscard]] Executor &executor() override { return loop_; }
    Task<net::Wake> wait(std::shared_ptr<Event> event, Millis timeout) override;

    // The handler has ended: an answer that is not whole is cut off.
    void close();

  private:
    // ---- BodyReader
    Task<Result<std::string>> read_some(std::size_t bytes_max) override;
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }

    // ---- Response
    Task<Result<void>> send(net::ResponseHead head, std::string body) override;
    Task<Result<void>> start(net::ResponseHead head, std::optional<std::uint64_t> length) override;
    Task<Result<void>> write(std::string bytes) override;
    Task<Result<void>> finish() override;
    void abort() override { link_->break_off(); }
    [[nodiscard]] bool started() const override { return status_ != 0; }
    [[nodiscard]] int status() const override { return status_; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return bytes_sent_; }

    EventLoop &loop_;
    std::shared_ptr<Link> link_;
    const net::RequestHead head_;
    const std::optional<std::uint64_t> length_;
    int status_ = 0;
    std::uint64_t bytes_sent_ = 0;
};

} // namespace divan::simulation
