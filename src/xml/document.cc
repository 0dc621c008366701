#include "xml/document.h"

#include "base/check.h"
#include "base/encoding.h"
#include "xml/tree.h"

#include <algorithm>
#include <fmt/format.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>

namespace divan::xml {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";

Error refused(std::string what) {
    return {ErrorCode::bad_request, std::move(what)};
}

// One reading. The handlers of libxml2 get it by the parser's context, and stop at what is refused, before
// anything is made of it.
struct Reading {
    const Limits &limits;
    std::size_t elements = 0;
    std::string refusal;
    startElementNsSAX2Func start_element = nullptr; // libxml2's own

    static Reading &of(void *context) {
        return *static_cast<Reading *>(static_cast<xmlParserCtxt *>(context)->_private);
    }
    static void refuse(void *context, std::string what) {
        auto &reading = of(context);
        if (reading.refusal.empty())
            reading.refusal = std::move(what);
        xmlStopParser(static_cast<xmlParserCtxt *>(context));
    }
};

void on_document_type(void *context, const xmlChar *, const xmlChar *, const xmlChar *) {
    Reading::refuse(context, "it has a document type (DOCTYPE), which is not taken");
}

void on_comment(void *context, const xmlChar *) {
    if (!Reading::of(context).limits.allow_comments)
        Reading::refuse(context, "it has a comment, which is not taken: comments split texts");
}

void on_instruction(void *context, const xmlChar *, const xmlChar *) {
    if (!Reading::of(context).limits.allow_comments)
        Reading::refuse(context, "it has a processing instruction, which is not taken");
}

void on_reference(void *context, const xmlChar *) {
    Reading::refuse(context, "it has a reference to an entity, which is not taken");
}

void on_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                int namespace_count, const xmlChar **namespaces, int attribute_count, int default_count,
                const xmlChar **attributes) {
    auto &reading = Reading::of(context);
    auto depth = static_cast<std::size_t>(static_cast<xmlParserCtxt *>(context)->nodeNr) + 1;
    if (depth > reading.limits.depth_max)
        return Reading::refuse(context,
                               fmt::format("it is nested deeper than {} elements", reading.limits.depth_max));
    if (++reading.elements > reading.limits.elements_max)
        return Reading::refuse(context,
                               fmt::format("it has more than {} elements", reading.limits.elements_max));
    reading.start_element(context, name, prefix, uri, namespace_count, namespaces, attribute_count,
                          default_count, attributes);
}

struct FreeContext {
    void operator()(xmlParserCtxt *context) const { xmlFreeParserCtxt(context); }
};

std::string text_of(const xmlChar *text) {
    return text == nullptr ? std::string() : std::string(reinterpret_cast<const char *>(text));
}

std::string space_of(const xmlNs *space) {
    return space == nullptr ? std::string() : text_of(space->href);
}

// Attributes may be in several pieces.
std::string value_of(const xmlAttr &attribute) {
    std::string value;
    for (const auto *piece = attribute.children; piece != nullptr; piece = piece->next)
        value += text_of(piece->content);
    return value;
}

void count_in(const Element &element, std::string_view space, std::string_view name, std::size_t &found) {
    found += element.is(space, name) ? 1 : 0;
    for (const auto &child : element.children)
        count_in(child, space, name, found);
}

} // namespace

Result<Tree> parse_tree(std::string_view text, const Limits &limits) {
    if (!start_libraries())
        return Error(ErrorCode::internal_server_error, "The libraries for XML cannot be used.");
    if (text.size() > limits.bytes_max)
        return refused(fmt::format("it has more than {} bytes", limits.bytes_max));
    if (!is_utf8(text) || text.find('\0') != std::string_view::npos)
        return refused("it is not UTF-8");
    std::unique_ptr<xmlParserCtxt, FreeContext> context(xmlNewParserCtxt());
    DIVAN_CHECK(context != nullptr);
    Reading reading{limits};
    context->_private = &reading;
    reading.start_element = context->sax->startElementNs;
    context->sax->startElementNs = on_element;
    context->sax->internalSubset = on_document_type;
    context->sax->comment = on_comment;
    context->sax->processingInstruction = on_instruction;
    context->sax->reference = on_reference;
    // The encoding is the one that was checked, whatever the text says of itself.
    Tree tree(xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                    XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC));
    if (!reading.refusal.empty())
        return refused(std::move(reading.refusal));
    if (tree == nullptr || context->wellFormed == 0 || context->nsWellFormed == 0 ||
        xmlDocGetRootElement(tree.get()) == nullptr)
        return refused("it is no well-formed XML");
    return tree;
}

Element element_of(const xmlNode &node) {
    Element element;
    element.space = space_of(node.ns);
    element.name = text_of(node.name);
    for (const auto *attribute = node.properties; attribute != nullptr; attribute = attribute->next)
        element.attributes.push_back(
            {space_of(attribute->ns), text_of(attribute->name), value_of(*attribute)});
    for (const auto *child = node.children; child != nullptr; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            element.children.push_back(element_of(*child));
        else if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            element.text += text_of(child->content);
    }
    return element;
}

Result<Element> parse(std::string_view text, const Limits &limits) {
    DIVAN_TRY(auto tree, parse_tree(text, limits));
    return element_of(*xmlDocGetRootElement(tree.get()));
}

const std::string *Element::attribute(std::string_view of_name) const {
    auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute &attribute) {
        return attribute.space.empty() && attribute.name == of_name;
    });
    return found == attributes.end() ? nullptr : &found->value;
}

const Element *Element::child(std::string_view of_space, std::string_view of_name) const {
    auto found = std::find_if(children.begin(), children.end(),
                              [&](const Element &element) { return element.is(of_space, of_name); });
    return found == children.end() ? nullptr : &*found;
}

std::vector<const Element *> Element::all(std::string_view of_space, std::string_view of_name) const {
    std::vector<const Element *> found;
    for (const auto &element : children)
        if (element.is(of_space, of_name))
            found.push_back(&element);
    return found;
}

std::size_t Element::count(std::string_view of_space, std::string_view of_name) const {
    std::size_t found = 0;
    count_in(*this, of_space, of_name, found);
    return found;
}

std::string_view Element::trimmed() const {
    auto begin = text.find_first_not_of(kWhiteSpace);
    if (begin == std::string::npos)
        return {};
    return std::string_view(text).substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::string escape(std::string_view text) {
    std::string escaped;
    for (char c : text) {
        switch (c) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        case '"':
            escaped += "&quot;";
            break;
        case '\r':
        case '\n':
        case '\t':
            escaped += fmt::format("&#{};", static_cast<int>(c));
            break;
        default:
            escaped += c;
        }
    }
    return escaped;
}

} // namespace divan::xml
