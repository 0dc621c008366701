#include "net/gzip.h"
#include "net/multipart.h"
#include "net/url.h"

#include <gtest/gtest.h>

namespace divan::net {
namespace {

// ---- multipart

// A body that arrives in pieces.
class Pieces final : public BodyReader {
  public:
    Pieces(std::string bytes, std::size_t piece_bytes) : rest_(std::move(bytes)), piece_bytes_(piece_bytes) {}
    Task<Result<std::string>> read_some(std::size_t bytes_max) override {
        auto piece = rest_.substr(0, std::min(piece_bytes_, bytes_max));
        rest_.erase(0, piece.size());
        co_return std::move(piece);
    }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

  private:
    std::string rest_;
    const std::size_t piece_bytes_;
};

// Every part as "name:value|...|content", then "end" or the reason of the error.
Task<void> read_parts(std::string body_text, std::size_t piece_bytes, std::vector<std::string> &out) {
    Pieces body(std::move(body_text), piece_bytes);
    MultipartReader reader(body, "b");
    for (;;) {
        auto part = co_await reader.next_part();
        if (!part.ok() || !*part) {
            out.push_back(part.ok() ? "end" : part.error().reason());
            co_return;
        }
        std::string text;
        for (const auto &[name, value] : **part)
            text.append(name).append(":").append(value).append("|");
        auto content = co_await reader.read_all(1'000'000);
        if (!content.ok()) {
            out.push_back(content.error().reason());
            co_return;
        }
        out.push_back(text + *content);
    }
}

std::vector<std::string> parts_of(const std::string &body) {
    std::vector<std::string> whole;
    spawn(read_parts(body, 1 << 20, whole), [] {});
    // Awaits that never suspend nest on the stack where the compiler makes no tail calls, as with a
    // sanitizer: some thousand pieces at most.
    auto unit = 1 + body.size() / 2'000;
    for (auto piece_bytes : {unit, 2 * unit, 3 * unit, 7 * unit}) {
        std::vector<std::string> pieces;
        spawn(read_parts(body, piece_bytes, pieces), [] {});
        EXPECT_EQ(pieces, whole) << "in pieces of " << piece_bytes;
    }
    return whole;
}

using Parts = std::vector<std::string>;

TEST(Multipart, BoundaryOfContentType) {
    EXPECT_EQ(multipart_boundary("multipart/related; boundary=abc"), "abc");
    EXPECT_EQ(multipart_boundary("Multipart/Mixed;type=\"x\" ; Boundary=\"a b\""), "a b");
    EXPECT_EQ(multipart_boundary("multipart/related"), std::nullopt);
    EXPECT_EQ(multipart_boundary("multipart/related; boundary="), std::nullopt);
    EXPECT_EQ(multipart_boundary("multipart/related; boundary=\"\""), std::nullopt);
    EXPECT_EQ(multipart_boundary("application/json; boundary=abc"), std::nullopt);
    EXPECT_EQ(multipart_boundary("multipart/related; boundary=" + std::string(300, 'b')), std::nullopt);
}

TEST(Multipart, PartsComeWholeHoweverTheBytesArrive) {
    EXPECT_EQ(parts_of("--b\r\nA: 1\r\nB:2\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--"),
              (Parts{"A:1|B:2|one", "two", "end"}));
    EXPECT_EQ(parts_of("a preamble\r\n--b\r\n\r\n\r\n--b--\r\nan epilogue"), (Parts{"", "end"}));
    EXPECT_EQ(parts_of("--b\r\n\r\n--b--"), (Parts{"", "end"}));
    EXPECT_EQ(parts_of("--b  \r\n\r\n\r\n-\r\n--\r\n--\r\n\r\n--b--"),
              (Parts{"\r\n-\r\n--\r\n--\r\n", "end"}));
    std::string large(100'000, 'x');
    EXPECT_EQ(parts_of("--b\r\n\r\n" + large + "\r\n--b--"), (Parts{large, "end"}));
}

TEST(Multipart, MalformedBodiesAreRefused) {
    for (const char *body :
         {"", "nothing", "--b", "--b\r\nA: 1\r\n", "--b\r\n\r\ncut off", "--bx\r\n\r\nx\r\n--b--",
          "--b\r\nno colon\r\n\r\nx\r\n--b--", "--b\r\n: x\r\n\r\nx\r\n--b--"})
        EXPECT_TRUE(parts_of(body).back().starts_with("The multipart body is malformed")) << body;
    EXPECT_TRUE(parts_of("--b\r\nA: " + std::string(20'000, 'x') + "\r\n\r\nx\r\n--b--")
                    .back()
                    .starts_with("The multipart body is malformed"));
}

TEST(Multipart, WritesWhatItReads) {
    Headers headers;
    headers.add("Content-Type", "text/plain");
    auto body = multipart_part_head("b", headers) + "text" + multipart_end("b");
    EXPECT_EQ(parts_of(body), (Parts{"Content-Type:text/plain|text", "end"}));
}

// ---- gzip

TEST(Gzip, InflatesWhatItDeflates) {
    std::string text;
    for (int i = 0; i < 50'000; ++i)
        text += std::to_string(i);
    GzipWriter writer(6);
    auto compressed = writer.write(text);
    compressed += writer.finish();
    EXPECT_LT(compressed.size(), text.size());
    auto whole = gunzip(compressed, text.size());
    ASSERT_TRUE(whole.ok());
    EXPECT_TRUE(*whole == text);
    GzipReader reader;
    std::string out;
    for (std::size_t i = 0; i < compressed.size(); i += 100)
        out += reader.read(std::string_view(compressed).substr(i, 100), text.size()).value();
    EXPECT_TRUE(out == text);
    EXPECT_TRUE(reader.finished());
}

TEST(Gzip, DeflatesWithoutAFrame) {
    std::string text = "a short text, a short text";
    GzipWriter writer(6);
    auto framed = writer.write(text);
    framed += writer.finish();
    constexpr std::size_t kHead = 10, kTail = 8; // of RFC 1952
    EXPECT_EQ(gunzip(framed.substr(0, kHead) + deflate_raw(text) + framed.substr(framed.size() - kTail),
                     text.size())
                  .value(),
              text);
}

TEST(Gzip, RefusesWhatIsCutOffDamagedOrTooLarge) {
    GzipWriter writer(9);
    auto compressed = writer.write(std::string(1'000'000, '\0'));
    compressed += writer.finish();
    EXPECT_LT(compressed.size(), 2'000u);
    EXPECT_EQ(gunzip(compressed, 999'999).error().code(), ErrorCode::too_large);
    EXPECT_TRUE(gunzip(compressed, 1'000'000).ok());
    EXPECT_EQ(gunzip(compressed.substr(0, compressed.size() - 1), 1 << 20).error().code(),
              ErrorCode::bad_request);
    GzipReader reader;
    EXPECT_TRUE(reader.read(compressed + "xy", 1 << 20).ok());
    EXPECT_EQ(reader.surplus_bytes(), 2u);
    EXPECT_EQ(gunzip("", 10).error().code(), ErrorCode::bad_request);
    EXPECT_EQ(gunzip("not gzip", 10).error().code(), ErrorCode::bad_request);
    compressed[compressed.size() - 6] ^= 1; // the check sum
    EXPECT_EQ(gunzip(compressed, 1 << 20).error().code(), ErrorCode::bad_request);
}

// ---- targets

TEST(Url, SplitsBeforeItDecodes) {
    auto parts = split_path("/a%2Fb/c+d/", true).value();
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_EQ(parts[0].raw, "a%2Fb");
    EXPECT_EQ(parts[0].decoded, "a/b");
    EXPECT_EQ(parts[1].decoded, "c d");
    EXPECT_EQ(parts[2].decoded, "");
    EXPECT_EQ(split_path("/c+d", false).value()[0].decoded, "c+d");
    for (const char *path : {"/%", "/%4", "/%zz", "/a/%a"})
        EXPECT_FALSE(split_path(path, true).ok()) << path;
    std::string deep;
    for (int i = 0; i < 300; ++i)
        deep += "/x";
    EXPECT_EQ(split_path(deep, true).error().code(), ErrorCode::too_long);
}

TEST(Url, LastParameterWins) {
    auto query = Query::parse("a=1&b=%22x+y%22&a=2&c&&=d;e=f%3Dg").value();
    EXPECT_EQ(query.find("a"), "2");
    EXPECT_EQ(query.find("b"), "\"x y\"");
    EXPECT_EQ(query.find("c"), "");
    EXPECT_EQ(query.find("e"), "f=g");
    EXPECT_EQ(query.find("z"), std::nullopt);
    EXPECT_FALSE(Query::parse("a=%zz").ok());
    std::string many;
    for (int i = 0; i < 1'001; ++i)
        many += "a&";
    EXPECT_FALSE(Query::parse(many).ok());
}

TEST(Url, Ranges) {
    auto range = [](std::string_view header) {
        auto ranges = parse_range(header, 10);
        if (!ranges.ok())
            return std::string("416");
        if (!*ranges)
            return std::string("none");
        std::string text;
        for (const auto &one : **ranges)
            text += std::to_string(one.first) + "-" + std::to_string(one.last) + " ";
        return text;
    };
    EXPECT_EQ(range("bytes=0-0"), "0-0 ");
    EXPECT_EQ(range("bytes=3-"), "3-9 ");
    EXPECT_EQ(range("bytes=-3"), "7-9 ");
    EXPECT_EQ(range("bytes=-100"), "0-9 ");
    EXPECT_EQ(range("bytes=0-100, 5-6"), "0-9 5-6 ");
    for (const char *header : {"bytes=10-", "bytes=5-4", "bytes=-0", "bytes=0-1,20-"})
        EXPECT_EQ(range(header), "416") << header;
    for (const char *header : {"", "bytes", "bytes=", "bytes=x", "bytes=-", "bytes=1-x", "rows=0-1",
                               "bytes=1", "bytes=99999999999999999999-"})
        EXPECT_EQ(range(header), "none") << header;
    EXPECT_EQ(parse_range("bytes=0-", 0).error().code(), ErrorCode::range_not_satisfiable);
}

// ---- headers

TEST(Headers, NamesCompareWithoutCase) {
    Headers headers;
    headers.add("Content-Type", "a");
    headers.add("content-type", "b");
    EXPECT_EQ(headers.find("CONTENT-TYPE"), "a");
    headers.set("Content-type", "c");
    EXPECT_EQ(headers.find("content-type"), "c");
    headers.erase("content-TYPE");
    EXPECT_FALSE(headers.contains("Content-Type"));
    EXPECT_TRUE(equal_without_case("GZip", "gzip"));
    EXPECT_FALSE(equal_without_case("gzip", "gzi"));
}

TEST(RequestHead, SplitsTheTarget) {
    RequestHead head;
    head.target = "/a/b?c=d?e";
    EXPECT_EQ(head.raw_path(), "/a/b");
    EXPECT_EQ(head.raw_query(), "c=d?e");
    head.target = "/a";
    EXPECT_EQ(head.raw_query(), "");
}

} // namespace
} // namespace divan::net
