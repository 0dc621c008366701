#include "api/function_response.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

const std::optional<std::string> kPolicy("sandbox");

std::string field(const FunctionResponse &response, std::string_view name) {
    return std::string(response.head.headers.find(name).value_or("(none)"));
}

TEST(FunctionResponse, KindsOfBodies) {
    auto html = read_function_response(R"({"body":"<p>"})", kPolicy);
    EXPECT_EQ(html->head.status, 200);
    EXPECT_EQ(html->body, "<p>");
    EXPECT_EQ(field(*html, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(field(*html, "Content-Security-Policy"), "sandbox");
    auto json = read_function_response(R"({"code":201,"json":{"b":1,"a":[]}})", kPolicy);
    EXPECT_EQ(json->head.status, 201);
    EXPECT_EQ(json->body, "{\"b\":1,\"a\":[]}\n");
    EXPECT_EQ(field(*json, "Content-Type"), "application/json");
    EXPECT_EQ(field(*json, "Content-Security-Policy"), "(none)");
    auto open = read_function_response(R"({"body":"<p>"})", std::nullopt);
    EXPECT_EQ(field(*open, "Content-Security-Policy"), "(none)");
    auto binary =
        read_function_response(R"({"base64":"AP8=","headers":{"content-type":"image/png"}})", kPolicy);
    EXPECT_EQ(binary->body, std::string("\0\xFF", 2));
    EXPECT_EQ(field(*binary, "Content-Type"), "image/png");
    auto empty = read_function_response("{}", kPolicy);
    EXPECT_EQ(empty->body, "");
    EXPECT_EQ(field(*empty, "Content-Type"), "application/json");
}

TEST(FunctionResponse, FieldsOfTheConnectionAreTheServers) {
    auto response = read_function_response(
        R"({"headers":{"X-A":"1","x-b":2,"content-length":"5","Transfer-Encoding":"chunked","Connection":"x"}})",
        kPolicy);
    EXPECT_EQ(field(*response, "X-A"), "1");
    EXPECT_EQ(field(*response, "X-B"), "2");
    for (const char *name : {"Content-Length", "Transfer-Encoding", "Connection"})
        EXPECT_FALSE(response->head.headers.contains(name)) << name;
}

TEST(FunctionResponse, WhatNoResponseCanHaveIsRefused) {
    for (const char *json :
         {"1", "null", R"({"code":"200"})", R"({"code":99})", R"({"code":1000})", R"({"code":101})",
          R"({"body":1})", R"({"base64":"*"})", R"({"headers":[]})", R"({"headers":{"":"x"}})",
          R"({"headers":{"A B":"x"}})", R"({"headers":{"A":"x\r\nB: y"}})", R"({"headers":{"A":"\u0000"}})",
          R"({"other":1})"}) {
        auto response = read_function_response(json, kPolicy);
        ASSERT_FALSE(response.ok()) << json;
        EXPECT_EQ(response.error().word(), "external_response_error");
        EXPECT_EQ(response.error().status(), 500);
    }
}

} // namespace
} // namespace divan::api
