#include "anomaly/observation.h"

#include "base/encoding.h"

#include <gtest/gtest.h>

namespace divan::anomaly {
namespace {

audit::Record record_of(audit::Kind kind, std::string action) {
    audit::Record record;
    record.time = std::chrono::microseconds(1'700'000'000'123'456);
    record.kind = kind;
    record.action = std::move(action);
    record.principal = "anna";
    record.address = "192.0.2.1";
    record.path = "/db";
    return record;
}

TEST(Observation, OfARecordAndOfItsTextAreTheSame) {
    using What = Observation::What;
    for (auto [kind, action, what] :
         {std::tuple{audit::Kind::authentication, "login", What::login},
          std::tuple{audit::Kind::authentication, "login_failed", What::failed_login},
          std::tuple{audit::Kind::authentication, "login_locked", What::failed_login},
          std::tuple{audit::Kind::refusal, "forbidden", What::refusal}}) {
        auto record = record_of(kind, action);
        auto made = observation_of(record);
        auto text = audit::parse_record(audit::numbered(1, audit::body_of(record, "node")));
        ASSERT_TRUE(text.ok());
        auto kept = observation_of(*text);
        ASSERT_TRUE(made && kept);
        EXPECT_EQ(made->what, what);
        EXPECT_EQ(made->time, record.time);
        EXPECT_EQ(std::tie(made->what, made->time, made->principal, made->address, made->path),
                  std::tie(kept->what, kept->time, kept->principal, kept->address, kept->path));
    }
}

TEST(Observation, OtherRecordsAreNone) {
    for (auto [kind, action] :
         {std::pair{audit::Kind::authentication, "logout"}, std::pair{audit::Kind::anomaly, "failed_logins"},
          std::pair{audit::Kind::document_read, "read"}})
        EXPECT_FALSE(observation_of(record_of(kind, action)));
}

TEST(Observation, TimesReadBack) {
    for (std::int64_t micros :
         {std::int64_t{0}, std::int64_t{951'782'400'000'001}, std::int64_t{1'700'000'000'999'999}})
        EXPECT_EQ(parse_time(audit::time_text(std::chrono::microseconds(micros))),
                  std::chrono::microseconds(micros));
    for (const char *text : {"", "2026-11-29", "2026-13-29T04:08:55.123456Z", "2026-11-2xT04:08:55.123456Z"})
        EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Observation, NamesThatAreNoUtf8AreMadeSoAndLongOnesAreCut) {
    auto record = record_of(audit::Kind::authentication, "login_failed");
    record.principal = "\xff\xfe";
    EXPECT_TRUE(is_utf8(observation_of(record)->principal));
    record.principal = std::string(255, 'a') + "\xc3\xa4";
    EXPECT_EQ(observation_of(record)->principal, std::string(255, 'a')) << "not in the middle of a character";
}

} // namespace
} // namespace divan::anomaly
