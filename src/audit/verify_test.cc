#include "audit/testing_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace divan::audit {
namespace {

using Records = std::vector<StoredRecord>;

std::string range(std::string_view what, std::uint64_t first, std::uint64_t last) {
    return std::string(what) + " " + std::to_string(first) + "-" + std::to_string(last);
}

std::string one(std::string_view what, std::uint64_t number) {
    return range(what, number, number);
}

// A log of random size in blocks of random size, and a random record of it.
class VerifyRandom : public testing::TestWithParam<unsigned> {
  protected:
    void SetUp() override {
        count = 2 + random() % 40;
        log.write(count, 1 + random() % 7);
        records = log.records();
        place = random() % count;
        number = place + 1;
        block = 1 + random() % 7;
        ASSERT_EQ(records.size(), count);
        ASSERT_TRUE(log.verify().clean());
    }

    void replace() { log.replace(records, block); }

    // Makes another byte of one.
    void change(std::string &bytes) {
        auto &byte = bytes[random() % bytes.size()];
        byte = static_cast<char>(byte ^ (1 << random() % 8));
    }

    std::mt19937 random{GetParam()};
    TestingLog log;
    Records records;
    std::uint64_t count = 0;
    std::size_t place = 0;
    std::uint64_t number = 0;
    std::size_t block = 1;
};

TEST_P(VerifyRandom, RewrittenAsItWasIsClean) {
    replace();
    EXPECT_EQ(log.findings(), "");
    EXPECT_EQ(log.verify().records, count);
    EXPECT_EQ(log.verify().count, count);
}

TEST_P(VerifyRandom, ChangedTextIsNamed) {
    change(records[place].text);
    replace();
    EXPECT_EQ(log.findings(), one("changed", number));
}

TEST_P(VerifyRandom, ChangedTagIsNamed) {
    change(records[place].tag);
    replace();
    EXPECT_EQ(log.findings(), one("changed", number));
}

TEST_P(VerifyRandom, ChangedMacIsNamed) {
    change(records[place].mac);
    replace();
    EXPECT_EQ(log.findings(), one("changed", number));
}

TEST_P(VerifyRandom, RecordOfAnotherLogIsNamed) {
    TestingLog other;
    other.write(count);
    auto foreign = other.records();
    records[place].text = foreign[place].text + " ";
    records[place].tag = foreign[place].tag;
    records[place].mac = foreign[place].mac;
    replace();
    auto found = log.verify();
    ASSERT_FALSE(found.clean());
    EXPECT_EQ(found.findings.front().first, number);
}

TEST_P(VerifyRandom, RemovedRecordIsNamed) {
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(place));
    replace();
    EXPECT_EQ(log.findings(), one("removed", number));
}

TEST_P(VerifyRandom, RemovedRangeIsNamed) {
    auto last = place + random() % (count - place);
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(place),
                  records.begin() + static_cast<std::ptrdiff_t>(last + 1));
    replace();
    EXPECT_EQ(log.findings(), range("removed", number, last + 1));
}

TEST_P(VerifyRandom, SwappedRecordsAreNamed) {
    auto other = (place + 1 + random() % (count - 1)) % count;
    std::swap(records[place].text, records[other].text);
    std::swap(records[place].tag, records[other].tag);
    std::swap(records[place].mac, records[other].mac);
    replace();
    auto first = std::min<std::uint64_t>(number, other + 1);
    auto second = std::max<std::uint64_t>(number, other + 1);
    EXPECT_EQ(log.findings(), one("reordered", first) + ", " + one("reordered", second));
}

TEST_P(VerifyRandom, MovedRecordIsNamed) {
    if (number == count)
        return;
    std::rotate(records.begin() + static_cast<std::ptrdiff_t>(place),
                records.begin() + static_cast<std::ptrdiff_t>(place) + 1, records.end());
    replace();
    EXPECT_EQ(log.findings(), one("reordered", number));
}

TEST_P(VerifyRandom, DoubledRecordIsNamed) {
    records.insert(records.begin() + static_cast<std::ptrdiff_t>(place), records[place]);
    replace();
    EXPECT_EQ(log.findings(), one("added", number));
}

TEST_P(VerifyRandom, CutOffEndIsNamed) {
    records.resize(place);
    replace();
    EXPECT_EQ(log.findings(), range("removed", number, count));
}

TEST_P(VerifyRandom, AnyOtherByteOfABlockIsFound) {
    auto value = encode_block(records);
    log.replace({}, 1);
    change(value);
    log.put(block_key(1), value);
    EXPECT_FALSE(log.verify().clean());
}

TEST_P(VerifyRandom, AnyOtherByteOfTheHeadIsFound) {
    auto stored = read_head(*log.engine);
    ASSERT_TRUE(stored.ok() && *stored);
    auto value = encode_head(**stored);
    change(value);
    log.put(std::string(kHeadKey), value);
    EXPECT_EQ(log.findings(), one("head", count));
}

TEST_P(VerifyRandom, RemovedBlockIsNamed) {
    auto first = place - place % block;
    auto last = std::min<std::uint64_t>(first + block, count);
    replace();
    log.erase(block_key(first + 1));
    EXPECT_EQ(log.findings(), range("removed", first + 1, last));
}

TEST_P(VerifyRandom, UnreadableBlockIsNamed) {
    auto first = place - place % block;
    auto last = std::min<std::uint64_t>(first + block, count);
    replace();
    log.put(block_key(first + 1), "x");
    EXPECT_EQ(log.findings(), range("unreadable", first + 1, last));
}

INSTANTIATE_TEST_SUITE_P(Seeds, VerifyRandom, testing::Range(0U, 200U));

// ---- what only anchors tell

class VerifyAnchors : public testing::Test {
  protected:
    std::string line() { return anchor_text(log.anchor()) + "\n"; }
    // As somebody would who kept an older state of the disk.
    StoredHead head() { return **read_head(*log.engine); }
    TestingLog log;
};

TEST_F(VerifyAnchors, RollBackIsNamedAfterTheLastAnchorThatFits) {
    log.write(5);
    auto anchors = line();
    log.write(2);
    auto old_head = head();
    auto old_records = log.records();
    log.write(3);
    anchors += line();
    EXPECT_EQ(log.findings(anchors), "");
    log.replace(old_records);
    log.put(std::string(kHeadKey), encode_head(old_head));
    EXPECT_EQ(log.findings(), "")
        << "without anchors an older state of the whole log is as good as the newest";
    EXPECT_EQ(log.findings(anchors), "truncated 8-10");
    auto detail = log.verify(anchors).findings.front().detail;
    EXPECT_NE(detail.find("after the anchor in line 1 (5 records, "), std::string::npos) << detail;
    EXPECT_NE(detail.find("the anchor in line 2, of "), std::string::npos) << detail;
}

TEST_F(VerifyAnchors, EmptiedLogIsNamed) {
    log.write(4);
    auto anchors = line();
    log.replace({});
    log.erase(std::string(kHeadKey));
    EXPECT_EQ(log.findings(), "");
    EXPECT_EQ(log.findings(anchors), "truncated 1-4");
}

TEST_F(VerifyAnchors, LogThatWasWrittenAnewContradicts) {
    log.write(4);
    auto anchors = line();
    TestingLog other;
    other.clock.advance(std::chrono::hours(1));
    other.write(6);
    EXPECT_EQ(other.findings(), "");
    EXPECT_EQ(other.findings(anchors), "contradiction 4-4");
}

TEST_F(VerifyAnchors, ChangedAnchorIsFound) {
    log.write(4);
    auto anchors = line();
    auto other = anchors;
    other.replace(other.find("\"count\":4"), 9, "\"count\":3");
    EXPECT_EQ(log.findings(anchors + other + "{}\n"), "changed_anchor 0-0, changed_anchor 0-0");
    EXPECT_EQ(log.verify(anchors + other).anchors, 2U);
}

TEST_F(VerifyAnchors, LinesOfTheSystemLogAreRead) {
    log.write(4);
    EXPECT_EQ(log.findings("Nov 29 04:08:55 host divan[1]: divan audit anchor " + line()), "");
    EXPECT_EQ(log.verify("Nov 29 host divan[1]: divan audit anchor " + line()).anchors, 1U);
}

TEST_F(VerifyAnchors, GapsAreNamedBesideThem) {
    log.write(9);
    auto anchors = line();
    auto records = log.records();
    records.erase(records.begin() + 6, records.end());
    records.erase(records.begin() + 2);
    log.replace(records);
    EXPECT_EQ(log.findings(anchors), "removed 3-3, removed 7-9, truncated 7-9");
}

TEST(Verify, EmptyLogIsClean) {
    TestingLog log;
    EXPECT_EQ(log.findings(), "");
}

TEST(Verify, AnotherKeyProvesNothing) {
    TestingLog log;
    log.write(3);
    auto verified = verify_log(*log.engine, crypto::Secret("another key"), "uuid", {});
    ASSERT_TRUE(verified.ok());
    EXPECT_EQ(verified->finding_count, 4U);
}

TEST(Verify, RecordsBehindTheHeadWereNotWrittenByTheServer) {
    TestingLog log;
    log.write(3);
    auto head = **read_head(*log.engine);
    log.write(2);
    log.put(std::string(kHeadKey), encode_head(head));
    EXPECT_EQ(log.findings(), "added 4-5");
}

TEST(Verify, LostHeadStaysKnown) {
    TestingLog log;
    log.write(5);
    auto records = log.records();
    records.resize(3);
    log.replace(records);
    log.erase(std::string(kHeadKey));
    EXPECT_EQ(log.findings(), "head 3-3");
    log.open()->stop();
    EXPECT_EQ(log.findings(), "head_lost 4-4");
}

} // namespace
} // namespace divan::audit
