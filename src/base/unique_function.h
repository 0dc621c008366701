#pragma once

// A move-only callable: std::function for lambdas that own something.

#include <memory>
#include <utility>

namespace divan {

template <typename Signature> class UniqueFunction;

template <typename Return, typename... Args> class UniqueFunction<Return(Args...)> {
  public:
    UniqueFunction() = default;

    template <typename Callable>
        requires(!std::is_same_v<std::decay_t<Callable>, UniqueFunction>)
    UniqueFunction(Callable &&callable)
        : target_(std::make_unique<Target<std::decay_t<Callable>>>(std::forward<Callable>(callable))) {}

    // REQUIRES: not empty
    Return operator()(Args... args) { return target_->call(std::forward<Args>(args)...); }
    explicit operator bool() const { return target_ != nullptr; }

  private:
    struct Base {
        virtual ~Base() = default;
        virtual Return call(Args... args) = 0;
    };
    template <typename Callable> struct Target final : Base {
        explicit Target(Callable callable) : callable_(std::move(callable)) {}
        Return call(Args... args) override { return callable_(std::forward<Args>(args)...); }
        Callable callable_;
    };

    std::unique_ptr<Base> target_;
};

} // namespace divan
