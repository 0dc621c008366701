#include "audit/key_file.h"

#include "base/encoding.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace divan::audit {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileBytesMax = 4'096;

Error refuse(const std::string &path, std::string_view what) {
    return {ErrorCode::bad_request, fmt::format("[audit] key_file {} {}", path, what)};
}

class File {
  public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0)
            close(descriptor_);
    }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    [[nodiscard]] int get() const { return descriptor_; }

  private:
    int descriptor_;
};

bool lies_inside(const std::string &path, const std::string &directory) {
    std::error_code error;
    auto file = std::filesystem::weakly_canonical(path, error);
    auto folder = std::filesystem::weakly_canonical(directory, error);
    for (auto parent = file; parent.has_relative_path(); parent = parent.parent_path())
        if (parent == folder)
            return true;
    return false;
}

Result<void> make(const std::string &path, Random &random) {
    File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (file.get() < 0)
        return refuse(path,
                      fmt::format("cannot be made: {}. Make its folder, or put a file with 64 hexadecimal "
                                  "digits there.",
                                  std::strerror(errno)));
    auto bytes = random.bytes(kKeyBytes);
    auto text = hex_encode(bytes) + "\n";
    bool written = write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                   fsync(file.get()) == 0;
    crypto::cleanse(text);
    crypto::cleanse(bytes);
    return written ? Result<void>()
                   : refuse(path, fmt::format("cannot be written: {}.", std::strerror(errno)));
}

} // namespace

Result<crypto::Secret> read_key_file(const std::string &path) {
    File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0)
        return refuse(path, fmt::format("cannot be read: {}.", std::strerror(errno)));
    std::string text(kFileBytesMax, '\0');
    auto size = read(file.get(), text.data(), text.size());
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    auto digits = std::string_view(text);
    while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r' || digits.back() == ' '))
        digits.remove_suffix(1);
    auto bytes = hex_decode(digits);
    crypto::cleanse(text);
    if (!bytes || bytes->size() != kKeyBytes)
        return refuse(path, "must hold 64 hexadecimal digits and nothing else.");
    return crypto::Secret::take(*bytes);
}

Result<crypto::Secret> open_key_file(const std::string &path, const std::string &data_directory,
                                     Random &random) {
    if (path.empty())
        return Error(
            ErrorCode::bad_request,
            "[audit] enable needs key_file: a file outside the data directory; it is made if its folder "
            "exists.");
    if (!data_directory.empty() && lies_inside(path, data_directory))
        return refuse(path,
                      "lies in the data directory: who can change the log would find the key beside it. "
                      "Put it elsewhere.");
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        DIVAN_TRY_VOID(make(path, random));
    }
    return read_key_file(path);
}

} // namespace divan::audit
