#include "net/gzip.h"

#include "base/check.h"

#include <zlib.h>

namespace divan::net {
namespace {

constexpr int kGzipWindow = 15 + 16; // 32 KiB window, gzip framing
constexpr int kRawWindow = -15;      // no framing
constexpr std::size_t kOutputBytes = 64 << 10;

} // namespace

struct GzipWriter::State {
    z_stream stream{};
};

GzipWriter::GzipWriter(int level) : state_(std::make_unique<State>()) {
    DIVAN_CHECK(deflateInit2(&state_->stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
}

GzipWriter::~GzipWriter() {
    deflateEnd(&state_->stream);
}

namespace {

std::string deflate_all(z_stream &stream, std::string_view bytes, int flush) {
    std::string out;
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    do {
        auto begin = out.size();
        out.resize(begin + kOutputBytes);
        stream.next_out = reinterpret_cast<Bytef *>(out.data() + begin);
        stream.avail_out = static_cast<uInt>(kOutputBytes);
        deflate(&stream, flush);
        out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return out;
}

} // namespace

std::string GzipWriter::write(std::string_view bytes) {
    return deflate_all(state_->stream, bytes, Z_NO_FLUSH);
}

std::string GzipWriter::flush() {
    return deflate_all(state_->stream, {}, Z_SYNC_FLUSH);
}

std::string GzipWriter::finish() {
    return deflate_all(state_->stream, {}, Z_FINISH);
}

struct GzipReader::State {
    z_stream stream{};
    bool finished = false;
};

GzipReader::GzipReader() : state_(std::make_unique<State>()) {
    DIVAN_CHECK(inflateInit2(&state_->stream, kGzipWindow) == Z_OK);
}

GzipReader::~GzipReader() {
    inflateEnd(&state_->stream);
}

Result<std::string> GzipReader::read(std::string_view bytes, std::size_t output_bytes_max) {
    auto &stream = state_->stream;
    std::string out;
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    while (!state_->finished) {
        auto begin = out.size();
        if (begin > output_bytes_max)
            return ErrorCode::too_large;
        out.resize(begin + kOutputBytes);
        stream.next_out = reinterpret_cast<Bytef *>(out.data() + begin);
        stream.avail_out = static_cast<uInt>(kOutputBytes);
        auto status = inflate(&stream, Z_NO_FLUSH);
        bool full = stream.avail_out == 0;
        out.resize(out.size() - stream.avail_out);
        if (status == Z_STREAM_END)
            state_->finished = true;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return Error(ErrorCode::bad_request, "Request body is not properly gzipped.");
        else if (!full)
            break;
    }
    if (out.size() > output_bytes_max)
        return ErrorCode::too_large;
    return out;
}

Result<std::string> GzipReader::read_some(std::string_view &bytes, std::size_t output_bytes_max) {
    auto &stream = state_->stream;
    std::string out(output_bytes_max, '\0');
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    while (stream.avail_out > 0) {
        if (state_->finished && !bytes.empty()) {
            inflateReset(&stream);
            state_->finished = false;
        }
        stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data()));
        stream.avail_in = static_cast<uInt>(bytes.size());
        auto status = inflate(&stream, Z_NO_FLUSH);
        bytes.remove_prefix(bytes.size() - stream.avail_in);
        state_->finished = status == Z_STREAM_END;
        if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END)
            return Error(ErrorCode::bad_request, "The body is not properly gzipped.");
        if (bytes.empty() && stream.avail_out > 0)
            break;
    }
    out.resize(out.size() - stream.avail_out);
    return out;
}

bool GzipReader::finished() const {
    return state_->finished;
}

std::size_t GzipReader::surplus_bytes() const {
    return state_->finished ? state_->stream.avail_in : 0;
}

Result<std::string> gunzip(std::string_view bytes, std::size_t output_bytes_max) {
    GzipReader reader;
    auto out = reader.read(bytes, output_bytes_max);
    if (out.ok() && !reader.finished())
        return Error(ErrorCode::bad_request, "Request body is not properly gzipped.");
    return out;
}

std::string deflate_raw(std::string_view bytes) {
    z_stream stream{};
    DIVAN_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindow, 8, Z_DEFAULT_STRATEGY) ==
                Z_OK);
    auto out = deflate_all(stream, bytes, Z_FINISH);
    deflateEnd(&stream);
    return out;
}

} // namespace divan::net
