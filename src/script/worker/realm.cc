#include "script/worker/realm.h"

#include "script/worker/compile.h"
#include "script/worker/engine.h"
#include "script/worker/errors.h"
#include "script/worker/json_text.h"
#include "script/worker/natives.h"
#include "script/worker/prelude.h"

#include <js/CallAndConstruct.h>
#include <js/CompilationAndEvaluation.h>
#include <js/CompileOptions.h>
#include <js/GlobalObject.h>
#include <js/PropertyAndElement.h>
#include <js/Realm.h>
#include <js/RealmOptions.h>
#include <js/SourceText.h>
#include <js/ValueArray.h>
#include <mozilla/Utf8.h>

namespace divan::script {
namespace {

constexpr JSClass kGlobalClass = {"global", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps};
constexpr const char *kPreludeName = "prelude";

JSObject *new_global(JSContext *cx) {
    JS::RealmOptions options;
    // A compartment and a zone of its own: no object of another program can be reached, and when the realm
    // is dropped, one collection frees it.
    options.creationOptions()
        .setNewCompartmentAndZone()
        .setSharedMemoryAndAtomicsEnabled(false)
        .setToSourceEnabled(true);
    return JS_NewGlobalObject(cx, &kGlobalClass, nullptr, JS::FireOnNewGlobalHook, options);
}

} // namespace

Realm::Realm(Engine &engine, std::string_view key, const protocol::Definition &definition)
    : engine_(engine), key_(key), renders_(definition.renders), library_text_(definition.library) {
    auto *cx = engine.context();
    for (const auto &[name, source] : definition.functions) {
        auto &slot = functions_.emplace_back();
        slot.name = name;
        slot.source = source;
        slot.function.init(cx);
    }
    global_.init(cx);
    helpers_.init(cx);
    library_.init(cx);
}

std::unique_ptr<Realm> Realm::make(Engine &engine, std::string_view key,
                                   const protocol::Definition &definition) {
    auto *cx = engine.context();
    std::unique_ptr<Realm> realm(new Realm(engine, key, definition));
    realm->global_ = new_global(cx);
    if (realm->global_ == nullptr)
        return nullptr;
    JSAutoRealm entered(cx, realm->global_);
    if (!realm->set_up())
        return nullptr;
    return realm;
}

bool Realm::set_up() {
    auto *cx = engine_.context();
    JS::SetRealmPrivate(js::GetContextRealm(cx), this);
    JS::RootedObject global(cx, global_);
    JS::RootedObject host(cx, JS_NewPlainObject(cx));
    if (!JS::InitRealmStandardClasses(cx) || host == nullptr || !define_globals(cx, global) ||
        !define_host(cx, host))
        return false;

    JS::CompileOptions options(cx);
    options.setFileAndLine(kPreludeName, 1);
    JS::SourceText<mozilla::Utf8Unit> source;
    auto text = prelude_source();
    JS::RootedValue prelude(cx);
    if (!source.init(cx, text.data(), text.size(), JS::SourceOwnership::Borrowed) ||
        !JS::Evaluate(cx, options, source, &prelude))
        return false;

    JS::RootedValueArray<3> arguments(cx);
    arguments[0].setObject(*global);
    arguments[1].setObject(*host);
    arguments[2].setBoolean(renders_);
    JS::RootedValue helpers(cx);
    if (!JS::Call(cx, JS::UndefinedHandleValue, prelude, arguments, &helpers) || !helpers.isObject())
        return false;
    helpers_ = &helpers.toObject();
    return true;
}

Realm &Realm::current(JSContext *cx) {
    return *static_cast<Realm *>(JS::GetRealmPrivate(js::GetContextRealm(cx)));
}

bool Realm::library(JS::MutableHandleValue value) {
    if (library_.get().isUndefined() && !library_text_.empty()) {
        JS::RootedValue parsed(engine_.context());
        if (!parse_json(engine_.context(), library_text_, &parsed))
            return false;
        library_ = parsed;
    }
    value.set(library_);
    return true;
}

JSObject *Realm::helper(const char *name) {
    auto *cx = engine_.context();
    JS::RootedObject helpers(cx, helpers_);
    JS::RootedValue value(cx);
    if (!JS_GetProperty(cx, helpers, name, &value) || !value.isObject())
        return nullptr;
    return &value.toObject();
}

JSObject *Realm::compile(Slot &slot, FunctionError &error) {
    auto *cx = engine_.context();
    if (slot.source.find_first_not_of(" \t\r\n") == std::string::npos) {
        error = {"not_found", "missing function"};
        return nullptr;
    }
    JS::RootedObject function(cx);
    if (compile_function(cx, slot.name.c_str(), slot.source, &function)) {
        if (function != nullptr)
            return function;
        error = {"compilation_error", slot.name + ": Expression does not eval to a function."};
        return nullptr;
    }
    bool threw = JS_IsExceptionPending(cx);
    error = engine_.take_error(slot.name);
    if (threw && error.error != "out_of_memory")
        error.error = "compilation_error";
    return nullptr;
}

JSObject *Realm::function(std::uint32_t index, FunctionError &error) {
    auto &slot = functions_[index];
    if (slot.error) {
        error = *slot.error;
        return nullptr;
    }
    if (slot.function == nullptr) {
        slot.function = compile(slot, error);
        // What was stopped may do better the next time.
        if (slot.function == nullptr && (error.error == "compilation_error" || error.error == "not_found"))
            slot.error = error;
    }
    return slot.function;
}

} // namespace divan::script
