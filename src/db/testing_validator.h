#pragma once

// A validator for tests that need one behind another.

#include "db/write_validator.h"

namespace divan::db {

// Judges nothing.
class NoValidator final : public WriteValidator {
  public:
    std::optional<std::vector<bool>>
    judged_cached(const Database & /*database*/, const WriteContext & /*context*/, Edits /*edits*/) override {
        return std::vector<bool>();
    }
    Result<std::vector<bool>> judged(Database & /*database*/, const WriteContext & /*context*/,
                                     Edits /*edits*/) override {
        return std::vector<bool>();
    }
    void judge(Database & /*database*/, const WriteContext & /*context*/, std::vector<JudgedEdit> edits,
               Done done) override {
        done(std::vector<Result<void>>(edits.size()));
    }
};

} // namespace divan::db
