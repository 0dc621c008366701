#include "design/design_check.h"

#include <gtest/gtest.h>

namespace divan::design {
namespace {

std::string reason_of(const std::string &json, bool partitioned = false) {
    auto checked = check_members(json, partitioned);
    return checked.ok() ? "" : checked.error().reason();
}

TEST(DesignCheck, WhatMayBeSaved) {
    for (const char *json :
         {"{}", R"({"views":{"lib":{"a":"x"},"":{"map":"f"}}})",
          R"({"language":"x","views":{"v":{"map":""}}})", R"({"views":{"v":{"map":"f","reduce":"_summ"}}})",
          R"({"views":{"v":{"map":"f","reduce":"_top_100"}}})",
          R"({"language":"query","views":{"v":{"map":{},"reduce":"_count"}}})", R"({"rewrites":"f"})",
          R"({"validate_doc_update":{}})", R"({"language":"query","validate_doc_update":{}})",
          R"({"language":"query","validate_doc_update":{"newDoc":{"type":{"$exists":true}}}})",
          R"({"validate_doc_update":{"$x":1}})", R"({"shows":{"a":{}}})"})
        EXPECT_EQ(reason_of(json), "") << json;
    EXPECT_EQ(reason_of(R"({"options":{"partitioned":true}})", true), "");
}

TEST(DesignCheck, WhatIsRefused) {
    EXPECT_EQ(reason_of(R"({"views":{"v":{"map":1}}})"), "`views.v.map` field must have string type");
    EXPECT_EQ(reason_of(R"({"views":{"lib":"x"}})"), "`views.lib` field must have object type");
    EXPECT_EQ(reason_of(R"({"views":{"v":{"map":"f","reduce":""}}})"), "missing function");
    EXPECT_EQ(reason_of(R"({"views":{"v":{"map":"f","reduce":"_bottom_x"}}})"), "invalid rank reducer");
    EXPECT_EQ(reason_of(R"({"options":{"local_seq":"x"}})"),
              "`options.local_seq` field must have boolean type");
    EXPECT_EQ(reason_of(R"({"rewrites":{}})"), "`rewrites` field must have array or string type");
    EXPECT_EQ(reason_of(R"({"language":"query","validate_doc_update":{"newDoc":{"$x":1}}})"),
              "`validate_doc_update` is not a selector: Invalid operator: $x");
    EXPECT_EQ(reason_of(R"({"language":"query","validate_doc_update":"function () {}"})"),
              "`validate_doc_update` must be a selector, because the language is `query`.");
    EXPECT_EQ(reason_of(R"({"language":1})"), "`language` field must have string type");
}

TEST(DesignCheck, SelectorsHaveLimits) {
    std::string json = R"({"language":"query","validate_doc_update":{"newDoc":{"a":{"b":1}}}})";
    EXPECT_TRUE(check_members(json, false, {.depth_max = 4}).ok());
    auto refused = check_members(json, false, {.depth_max = 2});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::invalid_design_doc);
}

} // namespace
} // namespace divan::design
