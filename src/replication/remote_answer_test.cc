#include "replication/remote_answer.h"

#include <gtest/gtest.h>

namespace divan::replication {
namespace {

TEST(RemoteAnswer, WhatAStatusMeans) {
    for (int status : {408, 429, 500, 502, 503, 504}) {
        auto code = code_of_status(status);
        EXPECT_TRUE(code == ErrorCode::service_unavailable || code == ErrorCode::request_timeout) << status;
    }
    EXPECT_EQ(code_of_status(400), ErrorCode::bad_request);
    EXPECT_EQ(code_of_status(401), ErrorCode::unauthorized);
    EXPECT_EQ(code_of_status(404), ErrorCode::not_found);
    EXPECT_EQ(code_of_status(409), ErrorCode::conflict);
    EXPECT_EQ(code_of_status(418), ErrorCode::bad_request);
    // What does not pass.
    EXPECT_EQ(code_of_status(501), ErrorCode::not_implemented);
    EXPECT_EQ(code_of_status(507), ErrorCode::insufficient_storage);
}

} // namespace
} // namespace divan::replication
