#pragma once

// Rows in, text out, while a list function runs.

#include "script/worker/channel.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace divan::script {

class ListStream {
  public:
    ListStream(Channel &channel, std::size_t chunk_bytes_max)
        : channel_(channel), chunk_bytes_max_(chunk_bytes_max) {}

    // JSON text of the response that start() was given. The last one before the first row counts.
    void start(std::string response);
    // false: more than is kept between two rows.
    [[nodiscard]] bool write(std::string_view text);
    // The next row; nothing: there are no more. Sends what was written when the rows at hand are used up.
    std::optional<std::string> next_row();
    // Sends the rest.
    void finish();

  private:
    void send(bool wants_rows);
    void fetch();

    Channel &channel_;
    const std::size_t chunk_bytes_max_;
    bool started_ = false;
    std::optional<std::string> start_;
    std::string chunks_;
    std::vector<std::string> rows_;
    std::size_t next_ = 0;
    bool at_end_ = false;
};

} // namespace divan::script
