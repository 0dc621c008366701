#include "crypto/totp.h"

#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

using std::chrono::seconds;

constexpr std::string_view kKey = "12345678901234567890";

// RFC 4226, appendix D.
TEST(Totp, VectorsOfHotp) {
    const char *codes[] = {"755224", "287082", "359152", "969429", "338314",
                           "254676", "287922", "162583", "399871", "520489"};
    for (std::uint64_t counter = 0; counter < 10; ++counter)
        EXPECT_EQ(hotp(HashFunction::sha1, kKey, counter, 6), codes[counter]);
    EXPECT_EQ(hotp(HashFunction::sha1, kKey, 0, 8), "84755224");
}

// RFC 6238, appendix B: the keys have the size of the hash.
TEST(Totp, VectorsOfTotp) {
    std::string digits;
    for (int i = 0; i < 7; ++i)
        digits += "1234567890";
    struct Vector {
        std::int64_t time_s;
        const char *sha1, *sha256, *sha512;
    };
    for (const auto &v : {Vector{59, "94287082", "46119246", "90693936"},
                          {1111111109, "07081804", "68084774", "25091201"},
                          {1111111111, "14050471", "67062674", "99943326"},
                          {1234567890, "89005924", "91819424", "93441116"},
                          {2000000000, "69279037", "90698825", "38618901"},
                          {20000000000, "65353130", "77737706", "47863826"}}) {
        auto step = static_cast<std::uint64_t>(v.time_s / 30);
        EXPECT_EQ(verify_totp({HashFunction::sha1, 8}, digits.substr(0, 20), v.sha1, seconds(v.time_s), 0),
                  step);
        EXPECT_EQ(
            verify_totp({HashFunction::sha256, 8}, digits.substr(0, 32), v.sha256, seconds(v.time_s), 0),
            step);
        EXPECT_EQ(
            verify_totp({HashFunction::sha512, 8}, digits.substr(0, 64), v.sha512, seconds(v.time_s), 0),
            step);
    }
}

TEST(Totp, OneStepAroundIsTakenAndTold) {
    TotpParameters parameters;
    auto code = hotp(HashFunction::sha1, kKey, 5, 6);
    for (auto [time_s, valid] : {std::pair(119, false),
                                 {120, true},
                                 {149, true},
                                 {150, true},
                                 {179, true},
                                 {209, true},
                                 {210, false}}) {
        auto step = verify_totp(parameters, kKey, code, seconds(time_s));
        EXPECT_EQ(step, valid ? std::optional<std::uint64_t>(5) : std::nullopt) << time_s;
    }
    // No step before the epoch.
    EXPECT_EQ(verify_totp(parameters, kKey, hotp(HashFunction::sha1, kKey, 0, 6), seconds(0)), 0u);
    EXPECT_EQ(verify_totp(parameters, kKey, hotp(HashFunction::sha1, kKey, ~0ull, 6), seconds(0)),
              std::nullopt);
}

TEST(Totp, OtherCodesAreRefused) {
    for (const char *code : {"", "755224 ", " 755224", "55224", "0755224", "755225", "84755224", "+55224"})
        EXPECT_EQ(verify_totp({}, kKey, code, seconds(0)), std::nullopt) << code;
    EXPECT_EQ(verify_totp({}, kKey, std::string_view("755224\0", 7), seconds(0)), std::nullopt);
    EXPECT_EQ(verify_totp({}, "another key", "755224", seconds(0)), std::nullopt);
}

TEST(Totp, UriIsEscaped) {
    auto uri = totp_uri({}, "Hello!\xde\xad\xbe\xef", "Divan & Co", "anna/\u00fc?");
    EXPECT_EQ(uri->reveal(),
              "otpauth://totp/Divan%20%26%20Co:anna%2F%C3%BC%3F?secret=JBSWY3DPEHPK3PXP&issuer=Divan%20"
              "%26%20Co&algorithm=SHA1&digits=6&period=30");
    EXPECT_EQ(totp_uri({HashFunction::sha512, 8, seconds(60)}, "f", "d", "a")->reveal(),
              "otpauth://totp/d:a?secret=MY&issuer=d&algorithm=SHA512&digits=8&period=60");
    EXPECT_FALSE(totp_uri({}, "f", "a:b", "c").ok());
    EXPECT_FALSE(totp_uri({}, "f", "a", "b:c").ok());
    EXPECT_FALSE(totp_uri({}, "f", "", "c").ok());
}

} // namespace
} // namespace divan::crypto
