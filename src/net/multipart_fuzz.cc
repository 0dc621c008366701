// However the bytes of a body arrive, the reader sees the same parts; and what it writes it reads back.
// The first byte of the input chooses how the body is cut up.

#include "net/multipart.h"

#include <cstdlib>

namespace {

using namespace divan;

// A body that arrives in pieces of at most `piece_bytes`.
class Pieces final : public net::BodyReader {
  public:
    Pieces(std::string_view bytes, std::size_t piece_bytes) : rest_(bytes), piece_bytes_(piece_bytes) {}
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        std::string piece(rest_.substr(0, std::min(piece_bytes_, bytes_max)));
        rest_.remove_prefix(piece.size());
        co_return std::move(piece);
    }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

  private:
    std::string_view rest_;
    const std::size_t piece_bytes_;
};

// Every part, or the error that ended it, as one text.
Task<void> describe(std::string_view bytes, std::size_t piece_bytes, std::size_t read_bytes,
                    std::string &out) {
    Pieces body(bytes, piece_bytes);
    net::MultipartReader reader(body, "b");
    for (;;) {
        auto part = co_await reader.next_part();
        if (!part.ok()) {
            out += "error " + part.error().reason();
            co_return;
        }
        if (!*part) {
            out += "end";
            co_return;
        }
        out += "part\n";
        for (const auto &[name, value] : **part)
            out += name + ":" + value + "\n";
        for (;;) {
            auto some = co_await reader.read_some(read_bytes);
            if (!some.ok()) {
                out += "error " + some.error().reason();
                co_return;
            }
            if (some->empty())
                break;
            out += *some;
        }
    }
}

std::string described(std::string_view bytes, std::size_t piece_bytes, std::size_t read_bytes) {
    std::string out;
    spawn(describe(bytes, piece_bytes, read_bytes, out), [] {});
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    if (text.empty())
        return 0;
    auto piece_bytes = static_cast<std::size_t>(data[0] % 16 + 1);
    auto type = text.substr(1);
    if (auto boundary = net::multipart_boundary(type); boundary && boundary->empty())
        std::abort();
    auto whole = described(type, 1 << 20, 1 << 20);
    if (described(type, piece_bytes, 1 << 20) != whole || described(type, piece_bytes, piece_bytes) != whole)
        std::abort();
    return 0;
}
