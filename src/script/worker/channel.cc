#include "script/worker/channel.h"

#include "script/protocol.h"

#include <cerrno>
#include <unistd.h>

namespace divan::script {
namespace {

// What a large request took is given back before the next one.
constexpr std::size_t kKeptBytes = 4 << 20;

} // namespace

void Channel::read_exactly(char *bytes, std::size_t size) {
    while (size > 0) {
        auto got = ::read(descriptor_, bytes, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(0);
        bytes += got;
        size -= static_cast<std::size_t>(got);
    }
}

std::string_view Channel::read() {
    if (frame_.capacity() > kKeptBytes)
        std::string().swap(frame_);
    unsigned char length[protocol::kLengthBytes];
    read_exactly(reinterpret_cast<char *>(length), sizeof length);
    std::size_t size = 0;
    for (std::size_t i = 0; i < sizeof length; ++i)
        size |= std::size_t{length[i]} << (8 * i);
    frame_.resize(size);
    read_exactly(frame_.data(), size);
    return frame_;
}

void Channel::write(std::string_view frame) {
    while (!frame.empty()) {
        auto put = ::write(descriptor_, frame.data(), frame.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            _exit(0);
        frame.remove_prefix(static_cast<std::size_t>(put));
    }
}

} // namespace divan::script
