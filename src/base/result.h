#pragma once

// Result<T>: a value or an Error. Between modules nothing else carries a failure; exceptions stop
// at a module's edge.

#include "base/check.h"
#include "base/error.h"

#include <utility>
#include <variant>

namespace divan {

template <typename T> class [[nodiscard]] Result {
  public:
    using value_type = T;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    Result(ErrorCode code) : Result(Error(code)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // REQUIRES: ok()
    [[nodiscard]] T &value() & { return checked<0>(state_); }
    [[nodiscard]] const T &value() const & { return checked<0>(state_); }
    [[nodiscard]] T value() && { return std::move(checked<0>(state_)); }
    [[nodiscard]] T &operator*() & { return value(); }
    [[nodiscard]] const T &operator*() const & { return value(); }
    [[nodiscard]] T operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T *operator->() { return &value(); }
    [[nodiscard]] const T *operator->() const { return &value(); }

    // REQUIRES: !ok()
    [[nodiscard]] const Error &error() const & { return checked<1>(state_); }
    [[nodiscard]] Error error() && { return std::move(checked<1>(state_)); }

    [[nodiscard]] T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }

  private:
    template <std::size_t I, typename Variant> static auto &checked(Variant &state) {
        DIVAN_CHECK(state.index() == I);
        return *std::get_if<I>(&state);
    }

    std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
  public:
    using value_type = void;

    Result() = default;
    Result(Error error) : state_(std::move(error)) {}
    Result(ErrorCode code) : Result(Error(code)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // REQUIRES: !ok()
    [[nodiscard]] const Error &error() const {
        DIVAN_CHECK(!ok());
        return *std::get_if<1>(&state_);
    }

  private:
    std::variant<std::monostate, Error> state_;
};

// The searchable way to drop a Result on purpose.
template <typename T> void ignore_error(const Result<T> & /*result*/, const char * /*why*/) {}

} // namespace divan

#define DIVAN_CONCAT_INNER(a, b) a##b
#define DIVAN_CONCAT(a, b) DIVAN_CONCAT_INNER(a, b)

// DIVAN_TRY(auto rows, read());  DIVAN_TRY_VOID(write());  Return the error of a failed step.
#define DIVAN_TRY_IMPL(result, declaration, return_word, ...)                                                \
    auto result = (__VA_ARGS__);                                                                             \
    if (!result.ok())                                                                                        \
        return_word std::move(result).error();                                                               \
    declaration = std::move(result).value()

#define DIVAN_TRY(declaration, ...)                                                                          \
    DIVAN_TRY_IMPL(DIVAN_CONCAT(divan_result_, __LINE__), declaration, return, __VA_ARGS__)
#define DIVAN_TRY_VOID(...)                                                                                  \
    do {                                                                                                     \
        if (auto divan_result = (__VA_ARGS__); !divan_result.ok())                                           \
            return divan_result.error();                                                                     \
    } while (false)

// The same inside a coroutine.
#define DIVAN_CO_TRY(declaration, ...)                                                                       \
    DIVAN_TRY_IMPL(DIVAN_CONCAT(divan_result_, __LINE__), declaration, co_return, __VA_ARGS__)
#define DIVAN_CO_TRY_VOID(...)                                                                               \
    do {                                                                                                     \
        auto divan_result = (__VA_ARGS__);                                                                   \
        if (!divan_result.ok())                                                                              \
            co_return divan_result.error();                                                                  \
    } while (false)
