#include "net/spooled_text.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace divan::net {
namespace {

Error file_error() {
    if (errno == ENOSPC || errno == EDQUOT)
        return Error(
            ErrorCode::insufficient_storage,
            "Not enough disk space is left to take the request's body: free some, or send less at once.");
    return Error(ErrorCode::storage_failed, "The request's body could not be kept in a temporary file.");
}

} // namespace

SpooledText::SpooledText(std::string directory, std::size_t memory_bytes_max)
    : directory_(std::move(directory)), memory_bytes_max_(memory_bytes_max) {}

SpooledText::~SpooledText() {
    if (mapping_ != nullptr)
        munmap(mapping_, size_);
    if (file_ >= 0)
        close(file_);
}

Result<void> SpooledText::append(std::string_view bytes) {
    if (file_ < 0 && would_block(bytes.size())) {
        auto moved = move_to_file();
        if (!moved.ok())
            return moved;
    }
    size_ += bytes.size();
    if (file_ >= 0)
        return write_file(bytes);
    memory_.append(bytes);
    return {};
}

Result<void> SpooledText::move_to_file() {
    auto path = directory_ + "/spool-XXXXXX";
    file_ = mkostemp(path.data(), O_CLOEXEC);
    if (file_ < 0 || unlink(path.c_str()) != 0)
        return file_error();
    auto written = write_file(memory_);
    memory_ = {};
    return written;
}

Result<void> SpooledText::write_file(std::string_view bytes) {
    while (!bytes.empty()) {
        auto count = write(file_, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return file_error();
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

std::string SpooledText::take() {
    DIVAN_CHECK(!on_disk());
    size_ = 0;
    return std::move(memory_);
}

Result<std::string_view> SpooledText::view() {
    if (file_ < 0)
        return std::string_view(memory_);
    auto *mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_, 0);
    if (mapped == MAP_FAILED)
        return file_error();
    mapping_ = mapped;
    madvise(mapping_, size_, MADV_SEQUENTIAL);
    return std::string_view(static_cast<const char *>(mapping_), size_);
}

} // namespace divan::net
