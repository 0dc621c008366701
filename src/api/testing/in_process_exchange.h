#pragma once

// A request and its response in memory, as a handler sees them.

#include "net/http.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace divan::api {

// What came back.
struct Answer {
    int status = 0;
    net::Headers headers;
    std::string body;
    bool aborted = false; // the stream was cut off
};

// One request. Its executor is the thread that calls serve(), so a handler runs on one thread as it
// does on a connection. Waiting is real: by the event or the time.
class InProcessExchange final : public net::Exchange,
                                private net::BodyReader,
                                private net::Response,
                                private Executor {
  public:
    using Handler = std::function<Task<void>(net::Exchange &)>;

    InProcessExchange(net::RequestHead head, std::string body);

    // Runs the handler to its end. Call once.
    Answer serve(const Handler &handler);

    // ---- Exchange
    [[nodiscard]] const net::RequestHead &head() const override { return head_; }
    [[nodiscard]] net::BodyReader &body() override { return *this; }
    [[nodiscard]] net::Response &response() override { return *this; }
    [[nodiscard]] Executor &executor() override { return *this; }
    Task<net::Wake> wait(std::shared_ptr<Event> event, Millis timeout) override;

  private:
    struct Queue;

    // ---- BodyReader
    Task<Result<std::string>> read_some(std::size_t bytes_max) override;
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return body_.size(); }

    // ---- Response
    Task<Result<void>> send(net::ResponseHead head, std::string body) override;
    Task<Result<void>> start(net::ResponseHead head, std::optional<std::uint64_t> length) override;
    Task<Result<void>> write(std::string bytes) override;
    Task<Result<void>> finish() override;
    void abort() override { answer_.aborted = true; }
    [[nodiscard]] bool started() const override { return answer_.status != 0; }
    [[nodiscard]] int status() const override { return answer_.status; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return answer_.body.size(); }

    // ---- Executor
    void post(UniqueFunction<void()> work) override;

    void wake(net::Wake why);

    net::RequestHead head_;
    std::string body_;
    std::size_t read_bytes_ = 0;
    Answer answer_;
    // Outlives the exchange where another thread is about to post to it.
    std::shared_ptr<Queue> queue_;
    std::optional<Resume<net::Wake>> waiting_;
    std::shared_ptr<Event> awaited_;
};

} // namespace divan::api
