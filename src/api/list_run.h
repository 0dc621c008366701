#pragma once

// A list function under way: the worker's thread reads rows and leaves what the function writes; the request
// takes it. Owns all that the worker's thread needs, since a client may go away at any moment.
//
// Threads: next(), write() and finish() on the worker's; the rest on the connection's executor.

#include "api/row_reader.h"
#include "script/pool.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace divan::api {

class ListRun final : public script::RowSource {
  public:
    ListRun(std::unique_ptr<RowReader> reader, std::size_t buffer_bytes_max)
        : reader_(std::move(reader)), rows_(""), buffer_bytes_max_(buffer_bytes_max) {}

    Result<std::vector<std::string>> next() override;
    // Waits while more than the buffer is not taken: a client that reads slowly slows the function down.
    bool write(const std::optional<std::string> &start, std::string chunks) override;
    void finish(Result<script::CallAnswer> answer);

    struct Part {
        std::optional<std::string> start; // what start() was given, once
        std::string chunks;
        std::optional<Result<script::CallAnswer>> answer; // the end
    };
    // What is there since the last call.
    [[nodiscard]] Part take();
    // Notified when there is something to take.
    [[nodiscard]] const std::shared_ptr<Event> &event() const { return event_; }
    // Nobody listens any more.
    void close();

  private:
    const std::unique_ptr<RowReader> reader_;
    RowTexts rows_;
    bool more_ = true;
    const std::size_t buffer_bytes_max_;

    const std::shared_ptr<Event> event_ = std::make_shared<Event>();
    std::mutex mutex_;
    std::condition_variable taken_;
    Part part_;
    bool closed_ = false;
};

} // namespace divan::api
