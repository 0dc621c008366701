#include "base/bytes.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/event.h"
#include "base/result.h"
#include "base/task.h"

#include <future>
#include <gtest/gtest.h>

namespace divan {
namespace {

Result<int> halve(int number) {
    if (number % 2 != 0)
        return Error(ErrorCode::bad_request, "odd");
    return number / 2;
}

Result<int> quarter(int number) {
    DIVAN_TRY(auto half, halve(number));
    return halve(half);
}

TEST(Encoding, Utf8) {
    for (const char *text : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
        EXPECT_EQ(to_utf8(text), text);
    }
    for (const char *text :
         {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80", "\xe2\x82"}) {
        EXPECT_FALSE(is_utf8(text));
        EXPECT_TRUE(is_utf8(to_utf8(text)));
    }
    EXPECT_EQ(to_utf8("a\xff"), "a\xef\xbf\xbd");
}

TEST(Result, TryPassesTheErrorOn) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().reason(), "odd");
    EXPECT_EQ(quarter(6).error().status(), 400);
}

TEST(Bytes, NumbersRoundTrip) {
    for (std::uint64_t number : {0ull, 1ull, 127ull, 128ull, 300ull, 1ull << 40, ~0ull}) {
        std::string out;
        append_varint(out, number);
        append_u64(out, number);
        append_u32(out, static_cast<std::uint32_t>(number));
        append_sized(out, "abc");
        ByteReader reader(out);
        EXPECT_EQ(reader.varint(), number);
        EXPECT_EQ(reader.u64(), number);
        EXPECT_EQ(reader.u32(), static_cast<std::uint32_t>(number));
        EXPECT_EQ(reader.sized(), "abc");
        EXPECT_TRUE(reader.finish("test").ok());
    }
}

TEST(Bytes, ShortInputFails) {
    ByteReader reader("\x80");
    EXPECT_EQ(reader.varint(), 0u);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.finish("test").error().code(), ErrorCode::corruption);
}

TEST(Bytes, PrefixEnd) {
    EXPECT_EQ(prefix_end("ab"), "ac");
    EXPECT_EQ(prefix_end("a\xff"), "b");
    EXPECT_EQ(prefix_end("\xff\xff"), "");
}

TEST(Encoding, Base64AndHex) {
    EXPECT_EQ(base64_encode("hello"), "aGVsbG8=");
    EXPECT_EQ(base64_decode("aGVs\nbG8="), "hello");
    EXPECT_EQ(base64_decode("aGVsbG8"), "hello");
    EXPECT_EQ(base64_decode("a"), std::nullopt);
    EXPECT_EQ(base64_decode("a=b"), std::nullopt);
    EXPECT_EQ(hex_decode("00fF"), std::string("\0\xff", 2));
    EXPECT_EQ(hex_decode("0"), std::nullopt);
    EXPECT_EQ(percent_decode("a%2Fb+c", true), "a/b c");
    EXPECT_EQ(percent_decode("a%2", true), std::nullopt);
    EXPECT_EQ(percent_encode("a/b c"), "a%2Fb%20c");
}

TEST(Encoding, StrictBase64UrlHasOneTextForBytes) {
    EXPECT_EQ(base64_url_decode_strict(""), "");
    EXPECT_EQ(base64_url_decode_strict("-_8"), "\xfb\xff");
    // Padding, the other alphabet, white space, left over bits that are not zero, half a byte.
    for (const char *text : {"-_8=", "+/8", "-_8\n", " -_8", "-_9", "-", "AAAAA", "-_8."})
        EXPECT_EQ(base64_url_decode_strict(text), std::nullopt) << text;
}

// RFC 4648, section 10.
TEST(Encoding, Base32) {
    const std::pair<const char *, const char *> vectors[] = {{"", ""},
                                                             {"f", "MY======"},
                                                             {"fo", "MZXQ===="},
                                                             {"foo", "MZXW6==="},
                                                             {"foob", "MZXW6YQ="},
                                                             {"fooba", "MZXW6YTB"},
                                                             {"foobar", "MZXW6YTBOI======"}};
    for (const auto &[bytes, text] : vectors) {
        EXPECT_EQ(base32_encode(bytes), text);
        EXPECT_EQ(base32_decode(text), bytes);
        EXPECT_EQ(base32_decode(std::string(text).substr(0, std::string(text).find('='))), bytes);
    }
    EXPECT_EQ(base32_decode("mzxw6yq="), "foob");
    EXPECT_EQ(base32_decode("MZ======"), "f"); // left over bits
    for (const char *text : {"M", "MZX", "MZXW6Y", "MY=====", "MY=", "M=Y=====", "=MY=====", "M1======", "M0",
                             "========", "MZXW6YTB========", "MY ====="})
        EXPECT_EQ(base32_decode(text), std::nullopt) << text;
}

TEST(Clock, Formats) {
    EXPECT_EQ(http_date(std::chrono::seconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(rfc3339(std::chrono::seconds(1)), "1970-01-01T00:00:01Z");
}

Task<int> add_on(Executor &pool, Executor &home, int a, int b) {
    auto sum = co_await run_on(pool, home, [a, b] { return a + b; });
    co_return sum;
}

Task<void> compute(Executor &pool, Executor &home, std::promise<int> &promise) {
    auto first = co_await add_on(pool, home, 1, 2);
    auto second = co_await add_on(pool, home, first, 4);
    promise.set_value(second);
}

TEST(Task, MovesBetweenExecutors) {
    ThreadPool pool(2);
    ThreadPool home(1);
    std::promise<int> promise;
    auto future = promise.get_future();
    home.post([&] { spawn(compute(pool, home, promise), [] {}); });
    EXPECT_EQ(future.get(), 7);
}

TEST(Event, CollapsesAndDelivers) {
    Event event;
    int calls = 0;
    event.notify();
    event.notify();
    event.on_notify([&] { ++calls; });
    EXPECT_EQ(calls, 1);
    event.on_notify([&] { ++calls; });
    EXPECT_EQ(calls, 1);
    event.notify();
    EXPECT_EQ(calls, 2);
    event.on_notify([&] { ++calls; });
    event.on_notify({});
    event.notify();
    EXPECT_EQ(calls, 2);
}

} // namespace
} // namespace divan
