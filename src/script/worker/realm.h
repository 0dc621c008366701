#pragma once

// A program in a realm of its own: nothing in it can see another program.

#include "script/pool.h"
#include "script/protocol.h"

#include <deque>
#include <js/RootingAPI.h>
#include <jsapi.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace divan::script {

class Engine;

class Realm {
  public:
    // Nothing if memory is short.
    static std::unique_ptr<Realm> make(Engine &engine, std::string_view key,
                                       const protocol::Definition &definition);
    // The one that runs.
    static Realm &current(JSContext *cx);
    Realm(const Realm &) = delete;
    Realm &operator=(const Realm &) = delete;
    ~Realm() = default;

    [[nodiscard]] const std::string &key() const { return key_; }
    [[nodiscard]] JSObject *global() const { return global_; }
    [[nodiscard]] bool renders() const { return renders_; }
    [[nodiscard]] std::size_t function_count() const { return functions_.size(); }
    [[nodiscard]] const std::string &source(std::uint32_t function) const {
        return functions_[function].source;
    }
    [[nodiscard]] const std::string &name(std::uint32_t function) const { return functions_[function].name; }

    // In this realm, inside a call (Engine::begin_call): compiles at the first use. Null: `error` says why.
    JSObject *function(std::uint32_t index, FunctionError &error);
    // What require() walks and what `this` is; undefined if there is none. false: an exception is pending.
    bool library(JS::MutableHandleValue value);
    // Functions of the prelude: "show", "list". Null: there is none.
    JSObject *helper(const char *name);

  private:
    struct Slot {
        std::string name;
        std::string source;
        JS::PersistentRootedObject function;
        std::optional<FunctionError> error;
    };

    Realm(Engine &engine, std::string_view key, const protocol::Definition &definition);
    bool set_up();
    JSObject *compile(Slot &slot, FunctionError &error);

    Engine &engine_;
    const std::string key_;
    const bool renders_;
    const std::string library_text_;
    JS::PersistentRootedObject global_;
    JS::PersistentRootedObject helpers_;
    JS::PersistentRootedValue library_;
    std::deque<Slot> functions_;
};

} // namespace divan::script
