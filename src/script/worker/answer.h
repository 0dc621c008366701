#pragma once

// What functions leave behind while they run: rows, log lines, failures. Written as the frame that the pool
// gets, so that a row is copied once.

#include "script/pool.h"
#include "script/protocol.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::script {

// Appends integers and texts as protocol::Writer does.
void append_u32(std::string &bytes, std::size_t value);

class LogSink {
  public:
    explicit LogSink(std::uint64_t bytes_max) : bytes_left_(bytes_max) {}
    // Cut off when there is no more room.
    void add(std::uint32_t function, std::string_view text);
    void write(std::string &bytes) const;

  private:
    std::uint64_t bytes_left_;
    std::uint32_t count_ = 0;
    std::string bytes_;
};

class RowSink {
  public:
    explicit RowSink(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
    // The rows that follow are of this call.
    void begin_call(std::uint32_t document, std::uint32_t function);
    // The call failed: its rows are dropped.
    void fail(const FunctionError &error);

    // One row: begin_row(), append the key to bytes(), end_key(), append the value, end_value().
    void begin_row();
    void end_key();
    void end_value();
    std::string &bytes() { return rows_; }
    // The call emitted more than one answer may hold.
    [[nodiscard]] bool is_full() const { return rows_.size() - call_begin_ > bytes_max_; }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }
    void write(std::string &bytes) const;

  private:
    std::uint64_t bytes_max_;
    std::uint32_t document_ = 0;
    std::uint32_t function_ = 0;
    std::size_t call_begin_ = 0; // where the rows of the call begin
    std::size_t length_at_ = 0;  // where the length of the text that is written stands
    std::uint32_t call_rows_ = 0;
    std::uint32_t row_count_ = 0; // of calls before
    std::uint32_t failure_count_ = 0;
    std::string rows_;
    std::string failures_;
};

} // namespace divan::script
