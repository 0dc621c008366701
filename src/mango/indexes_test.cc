#include "mango/indexes.h"

#include "mango/testing_indexes.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::mango {
namespace {

Result<NewIndex> asked(std::string_view body) {
    return read_new_index(parsed(body).object(), {});
}

// Recorded from CouchDB 3.5.2, but for the last ones.
TEST(Indexes, NamesAreThoseOfCouchdb) {
    auto index = asked(R"({"index":{"fields":["n"]}})");
    EXPECT_EQ(index->name, "3d4fdc43057b07474cd610d0ad5761ead92400bf");
    EXPECT_EQ(index->design_id, "_design/3d4fdc43057b07474cd610d0ad5761ead92400bf");
    EXPECT_EQ(asked(R"({"index":{"fields":["n"]},"name":"x"})")->design_id,
              "_design/db88b729552f5634a640c7034fbbce9a75ed9ea1");
    EXPECT_EQ(asked(R"({"index":{"fields":["n"]},"ddoc":"y"})")->name,
              "3832195077d38c10277d70db6a004f00b92fb4eb");
    EXPECT_EQ(asked(R"({"index":{"fields":[]}})")->name, "16d64bc5aa5ac9a0662f02b45a7d70d4a6923ccc");
    EXPECT_EQ(asked(R"({"index":{"fields":["n","n"]}})")->name, "c45cd86c1e3508c4a072fe38af47a3291678db2e");
    EXPECT_EQ(asked(R"({"index":{"fields":["n"]},"partitioned":false})")->name,
              "9e57cb96212b0205ce6913559f620b64c99c3aab");
    EXPECT_NE(
        asked(R"({"index":{"fields":["n"],"partial_filter_selector":{"n":[1,300,-7,1.5,true,null]}}})")->name,
        asked(R"({"index":{"fields":["n"],"partial_filter_selector":{"n":[1,300,-7,1.5,true,"x"]}}})")->name);
}

TEST(Indexes, DesignDocumentsHaveTheShapeOfCouchdb) {
    auto index =
        asked(R"({"index":{"fields":["n"],"partial_filter_selector":{"t":true}},"ddoc":"d","name":"i"})");
    auto document = with_index(nullptr, *index);
    EXPECT_EQ(json::to_text(**document),
              R"({"language":"query","views":{"i":{"map":{"fields":{"n":"asc"},"partial_filter_selector":)"
              R"({"t":{"$eq":true}}},"reduce":"_count","options":{"def":{"fields":["n"],)"
              R"("partial_filter_selector":{"t":true}}}}}})");
    EXPECT_FALSE(with_index(&**document, *index)->has_value());
    auto other = asked(R"({"index":{"fields":["m"]},"ddoc":"d","name":"j"})");
    auto both = with_index(&**document, *other);
    auto left = without_index(**both, "i");
    EXPECT_EQ(
        json::to_text(*left),
        R"({"language":"query","views":{"j":{"map":{"fields":{"m":"asc"},"partial_filter_selector":{}},)"
        R"("reduce":"_count","options":{"def":{"fields":["m"]}}}}})");
    EXPECT_FALSE(without_index(*left, "j").has_value());
}

TEST(Indexes, AnOptionOfPartitionsGoesWithItsLastIndex) {
    auto index = asked(R"({"index":{"fields":["n"]},"ddoc":"d","name":"i","partitioned":false})");
    auto document = with_index(nullptr, *index);
    EXPECT_FALSE(without_index(**document, "i").has_value());
    auto other = asked(R"({"index":{"fields":["m"]},"ddoc":"d","name":"j"})");
    EXPECT_EQ(with_index(&**document, *other).error().word(), "invalid_partitioned_option");
}

TEST(Indexes, FiltersKeepTheEscapesOfTheirFields) {
    auto index = asked(R"({"index":{"fields":["n"],"partial_filter_selector":{"a\\.b":1}}})");
    EXPECT_EQ(json::to_text(*index->map.object().find("partial_filter_selector")), R"({"a\\.b":{"$eq":1}})");
}

TEST(Indexes, OneColumnMayStandForElements) {
    EXPECT_TRUE(asked(R"({"index":{"fields":["type","items.[].sku"]}})").ok());
    for (const char *fields : {R"(["a.[]","b.[]"])", R"(["a.[].[]"])", R"(["[]"])", R"(["[].a"])"})
        EXPECT_EQ(asked(R"({"index":{"fields":)" + std::string(fields) + "}}").error().word(),
                  "invalid_index")
            << fields;
}

} // namespace
} // namespace divan::mango
