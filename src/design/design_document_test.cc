#include "design/design_document.h"

#include <gtest/gtest.h>

namespace divan::design {
namespace {

DesignDocument read(const std::string &json) {
    return read_design_document("_design/x", "1-a", json).value();
}

TEST(DesignDocument, ReadsWhatItsMembersMean) {
    auto document = read(R"({"_id":"other","language":"javascript","views":{
        "b":{"map":"function(doc){}","reduce":"_sum","options":{"collation":"raw"}},
        "lib":{"a":"exports.x = 1"}, "a":{"map":"function(doc){emit(1)}"}},
        "options":{"local_seq":true,"partitioned":false},"autoupdate":false,
        "validate_doc_update":"function(){}","filters":{"f":"function(doc){}"}})");
    ASSERT_EQ(document.views.size(), 2u);
    EXPECT_EQ(document.views[0].name, "b");
    EXPECT_EQ(document.views[0].order, collation::Order::raw);
    EXPECT_EQ(document.view("a")->map, "function(doc){emit(1)}");
    EXPECT_EQ(document.view("lib"), nullptr);
    EXPECT_EQ(document.lib, R"({"a":"exports.x = 1"})");
    EXPECT_TRUE(document.local_seq);
    EXPECT_FALSE(document.include_design);
    EXPECT_EQ(document.partitioned, false);
    EXPECT_FALSE(document.autoupdate);
    EXPECT_EQ(document.validate_doc_update, "function(){}");
    EXPECT_TRUE(document.is_javascript());
    EXPECT_TRUE(document.text.starts_with(R"({"_id":"_design/x","_rev":"1-a","language")")) << document.text;
}

TEST(DesignDocument, LeavesOutWhatIsMalformed) {
    auto document = read(R"({"views":{"a":1,"b":{},"c":{"map":1},"d":{"map":"f","reduce":1}},"options":1,
        "language":1})");
    ASSERT_EQ(document.views.size(), 1u);
    EXPECT_EQ(document.views[0].reduce, "");
    EXPECT_EQ(document.language, "javascript");
    EXPECT_TRUE(read(R"({"views":[]})").views.empty());
}

TEST(DesignDocument, MapsOfMangoAreTexts) {
    auto document =
        read(R"({"language":"query","views":{"v":{"map":{"fields":{"a":"asc"}}},"w":{"map":"f"}}})");
    ASSERT_EQ(document.views.size(), 1u);
    EXPECT_EQ(document.views[0].map, R"({"fields":{"a":"asc"}})");
    EXPECT_FALSE(document.is_javascript());
}

TEST(DesignDocument, FindsFunctions) {
    auto document = read(R"({"filters":{"f":"function(doc){}","o":{}},"shows":1})");
    EXPECT_EQ(document.function("filters", "f").value(), "function(doc){}");
    EXPECT_EQ(document.function("filters", "o").value(), "{}");
    EXPECT_EQ(document.function("filters", "g").error().reason(), "missing json key: g");
    EXPECT_EQ(document.function("updates", "g").error().reason(), "missing json key: updates");
    EXPECT_EQ(document.function("shows", "g").error().reason(), "json_mismatch");
}

TEST(DesignDocument, SignatureIsOfWhatIsBuilt) {
    auto signature = [](const std::string &json) { return view_signature(read(json), false); };
    auto plain = signature(R"({"views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"}}})");
    EXPECT_EQ(plain.size(), 32u);
    EXPECT_EQ(signature(R"({"x":1,"views":{"c":{"map":"g","reduce":"_sum"},"d":{"map":"f"}}})"), plain);
    EXPECT_EQ(signature(R"({"views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"},"c":{"map":"f"}}})"),
              plain);
    for (const char *other :
         {R"({"views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_count"}}})",
          R"({"views":{"a":{"map":"f"},"b":{"map":"g_sum"}}})", R"({"views":{"a":{"map":"f"}}})",
          R"({"options":{"local_seq":true},"views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"}}})",
          R"({"options":{"partitioned":false},"views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"}}})",
          R"({"views":{"lib":{"m":"1"},"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"}}})",
          R"({"language":"javascript_quickjs","views":{"a":{"map":"f"},"b":{"map":"g","reduce":"_sum"}}})",
          R"({"views":{"a":{"map":"f","options":{"collation":"raw"}},"b":{"map":"g","reduce":"_sum"}}})"})
        EXPECT_NE(signature(other), plain) << other;
}

TEST(DesignDocument, PartitionedViewsHaveAnIndexOfTheirOwn) {
    auto by_default = read(R"({"views":{"a":{"map":"f"}}})");
    auto global = read(R"({"options":{"partitioned":false},"views":{"a":{"map":"f"}}})");
    auto asked_for = read(R"({"options":{"partitioned":true},"views":{"a":{"map":"f"}}})");
    EXPECT_FALSE(has_partitioned_views(by_default, false));
    EXPECT_TRUE(has_partitioned_views(by_default, true));
    EXPECT_FALSE(has_partitioned_views(global, true));
    EXPECT_TRUE(has_partitioned_views(asked_for, true));
    EXPECT_FALSE(has_partitioned_views(asked_for, false));
    EXPECT_NE(view_signature(by_default, true), view_signature(by_default, false));
    EXPECT_NE(view_signature(by_default, true), view_signature(asked_for, false));
    EXPECT_EQ(view_signature(global, true), view_signature(global, false));
    EXPECT_EQ(view_signature(by_default, true).size(), 32u);
}

} // namespace
} // namespace divan::design
