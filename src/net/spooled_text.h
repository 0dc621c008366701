#pragma once

// A text that arrives in pieces and is then read whole: in memory while it is small, in a file that
// has no name (so that nothing is left behind) and is mapped when it is large.

#include "base/result.h"

#include <string>
#include <string_view>

namespace divan::net {

class SpooledText {
  public:
    // Keeps up to `memory_bytes_max` in memory and the rest in a file of `directory`; without a directory
    // everything stays in memory.
    SpooledText(std::string directory, std::size_t memory_bytes_max);
    ~SpooledText();
    SpooledText(const SpooledText &) = delete;
    SpooledText &operator=(const SpooledText &) = delete;

    // Errors: insufficient_storage, storage_failed. May block on the disk once the text is in a file.
    [[nodiscard]] Result<void> append(std::string_view bytes);
    // Whether appending so many bytes would write to the disk.
    [[nodiscard]] bool would_block(std::size_t bytes) const {
        return !directory_.empty() && size_ + bytes > memory_bytes_max_;
    }
    [[nodiscard]] bool on_disk() const { return file_ >= 0; }
    [[nodiscard]] std::size_t size() const { return size_; }
    // The text itself; this object is empty then. REQUIRES: !on_disk()
    [[nodiscard]] std::string take();
    // Everything that was appended; lives as long as this object. Call it once, behind the last append.
    // Errors: storage_failed.
    [[nodiscard]] Result<std::string_view> view();

  private:
    Result<void> move_to_file();
    Result<void> write_file(std::string_view bytes);

    const std::string directory_;
    const std::size_t memory_bytes_max_;
    std::string memory_;
    std::size_t size_ = 0;
    int file_ = -1;
    void *mapping_ = nullptr;
};

} // namespace divan::net
