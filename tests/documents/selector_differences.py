"""Where PouchDB's selectors differ from CouchDB's, and so from Divan's: kinds of differences, each with
CouchDB's rule, a test for where it can show, and an example."""
import collections
import re

COMBINATIONS = ('$and', '$or', '$nor', '$not')
ELEMENTS = ('$elemMatch', '$allMatch', '$keyMapMatch')
ORDER = ('$lt', '$lte', '$gt', '$gte')
# What PouchDB has.
OPERATORS = set(ORDER) | {'$eq', '$ne', '$in', '$nin', '$exists', '$type', '$size', '$mod', '$regex', '$all',
                          '$elemMatch', '$allMatch'}

# One condition of a selector: the steps to its field; what it asks; whether a negation is around it. `bare`:
# its value stands without an operator. `root`: its field is a member of the selector itself.
Condition = collections.namedtuple('Condition', 'path operator argument negated bare root')
# name, CouchDB's rule, applies(selector, doc), example: selector, document, Divan's answer, PouchDB's.
Difference = collections.namedtuple('Difference', 'name rule applies example')

MISSING, BAD_PATH = object(), object()


def steps(field):
    return [step.replace('\\', '') for step in re.split(r'(?<!\\)\.', field)]


def place(value, path):
    """What stands at a path, or MISSING, or BAD_PATH."""
    for step in path:
        if isinstance(value, dict):
            if step not in value:
                return MISSING
            value = value[step]
        elif isinstance(value, list) and re.fullmatch(r'[+-]?\d+', step) and 0 <= int(step) < len(value):
            value = value[int(step)]
        else:
            return BAD_PATH
    return value


def conditions(selector, path=(), negated=False, root=True):
    """Every condition, without those inside $elemMatch and the like."""
    if not isinstance(selector, dict) or not selector:
        yield Condition(path, '$eq', selector, negated, True, root)
        return
    for name, argument in selector.items():
        if name in COMBINATIONS:
            for below in argument if isinstance(argument, list) else [argument]:
                yield from conditions(below, path, negated or name in ('$not', '$nor'), False)
        elif name.startswith('$'):
            yield Condition(path, name, argument, negated, False, root)
        else:
            yield from conditions(argument, (*path, *steps(name)), negated, root and not path)


def objects(selector):
    """Every object of a selector that is one itself, and (name, argument) of its members."""
    if isinstance(selector, dict):
        for name, argument in selector.items():
            yield selector, name, argument
            if name in COMBINATIONS or name in ELEMENTS or not name.startswith('$'):
                for below in argument if isinstance(argument, list) and name.startswith('$') else [argument]:
                    yield from objects(below)


def parts(value):
    """A value and everything in it, with names of members."""
    yield value
    if isinstance(value, list):
        for element in value:
            yield from parts(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from parts(member)


def has_part(value, check):
    return any(check(part) for part in parts(value))


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def any_condition(check):
    """A test that asks `check(condition, what stands there)` of every condition."""
    return lambda selector, doc: any(check(one, place(doc, one.path)) for one in conditions(selector))


def any_member(check):
    return lambda selector, _: any(check(name, argument) for _, name, argument in objects(selector))


def element_selectors(selector, doc):
    """(operator, selector, elements) of $elemMatch and $allMatch, at every depth."""
    for one in conditions(selector):
        found = place(doc, one.path)
        if one.operator in ELEMENTS and isinstance(found, list):
            yield one.argument, found
            for element in found:
                yield from element_selectors(one.argument, element)


# ---- where a difference can show

def field_is_not_there(found):
    return found is MISSING or found is BAD_PATH


def other_ways(selector, doc):
    """The way to a field leads through something that is no object: for JavaScript that may have members."""
    return any(place(doc, one.path) is BAD_PATH for one in conditions(selector))


def odd_indexes(selector, doc):
    return any(isinstance(place(doc, one.path[:at]), list) and not re.fullmatch(r'0|[1-9]\d*', step)
               for one in conditions(selector) for at, step in enumerate(one.path))


def odd_strings(one, found):
    """Strings whose order or equality is not that of code units."""
    if field_is_not_there(found) or one.operator in ('$regex', '$type'):
        return False
    plain = r'[a-z]*' if one.operator in ORDER else r'[ -~]*'
    return any(isinstance(part, str) and not re.fullmatch(plain, part)
               for value in (one.argument, found) for part in parts(value))


def nested_selectors(selector, doc, path=()):
    """Fields inside of a field that is not an object with all of them."""
    for name, argument in selector.items() if isinstance(selector, dict) else ():
        if name in COMBINATIONS:
            below = argument if isinstance(argument, list) else [argument]
            if any(nested_selectors(one, doc, path) for one in below):
                return True
        elif not name.startswith('$') and isinstance(argument, dict):
            inner = (*path, *steps(name))
            if any(not key.startswith('$') for key in argument) and not isinstance(place(doc, inner), dict):
                return True
            if nested_selectors(argument, doc, inner):
                return True
    return False


def implicit_nothing(selector, _):
    """null, false, 0 or "" without an operator, where PouchDB does not write one before it looks."""
    def inside(value, depth):
        if not isinstance(value, dict):
            return False
        for name, argument in value.items():
            if depth > 1 and not name.startswith('$') and (argument is None or argument in (False, '')):
                return True
            below = argument if isinstance(argument, list) and name in COMBINATIONS else [argument]
            inner = 1 if name in ('$or', '$nor') and depth == 0 else 2
            if (not name.startswith('$') or name in COMBINATIONS or name in ELEMENTS) and \
                    any(inside(one, inner) for one in below):
                return True
        return False
    return inside(selector, 0)


def has_and(selector):
    return any(name == '$and' for _, name, _ in objects(selector))


def merged(selector, _):
    """$and of what cannot be one object: PouchDB makes one of it, and of what is in a negation."""
    for _, name, argument in objects(selector):
        if name == '$and' and isinstance(argument, list):
            names = [name for one in argument if isinstance(one, dict) for name in one]
            if len(set(names)) < len(names) or any(one.startswith('$') for one in names):
                return True
        if name in ('$and', '$not'):
            for one in argument if name == '$and' else [argument]:
                if any(overlap(tests) for tests in (one.values() if isinstance(one, dict) else ())):
                    return True
    return False


def overlap(tests):
    """Operators of one field of which PouchDB keeps one."""
    names = set(tests) if isinstance(tests, dict) else set()
    return {'$gt', '$gte'} <= names or {'$lt', '$lte'} <= names or \
        ('$eq' in names and bool(names & {*ORDER, '$ne'}))


def combination_inside(selector, _):
    """A combination that is not at the top of the selector or of another one's list."""
    def inside(value, top):
        if not isinstance(value, dict):
            return False
        for name, argument in value.items():
            if name in COMBINATIONS and not top:
                return True
            if name in ('$and', '$or', '$nor') and isinstance(argument, list):
                if any(inside(one, name != '$and' and '$and' not in (one if isinstance(one, dict) else ()))
                       for one in argument):
                    return True
            elif name == '$not' or name in ELEMENTS or not name.startswith('$'):
                if inside(argument, False):
                    return True
        return False
    return inside(selector, True)


def implicit_containers(selector, _):
    """An array without an operator; an empty object, which asks for nothing; a value in place of a selector."""
    def asks_for_nothing(one):
        return one.bare and (isinstance(one.argument, (list, dict)) or not one.path)

    return any(asks_for_nothing(one) for one in conditions(selector)) or \
        any(name in ELEMENTS and implicit_containers_inside(argument) for _, name, argument in objects(selector))


def implicit_containers_inside(selector):
    return implicit_containers(selector, None)


def mixed_elements(selector, doc):
    """Elements that the selector was not written for, judged by all of them."""
    for inner, elements in element_selectors(selector, doc):
        asks_members = not any(name.startswith('$') for name in inner)
        if any(name in COMBINATIONS for name in inner):
            return True
        if any(not isinstance(element, dict) if asks_members else isinstance(element, (dict, list))
               for element in elements):
            return True
        for element in elements:
            if any(kind.applies(inner, element) for kind in DIFFERENCES if kind.name in INSIDE_ELEMENTS):
                return True
    return False


def refused(selector, _):
    """What CouchDB does not compile."""
    kinds = {'$exists': bool, '$type': str, '$regex': str, '$in': list, '$nin': list, '$all': list, '$and': list,
             '$or': list, '$nor': list, '$not': dict, '$elemMatch': dict, '$allMatch': dict, '$keyMapMatch': dict,
             '$beginsWith': str}
    known = OPERATORS | {*COMBINATIONS, *ELEMENTS, '$beginsWith', '$text'}
    for _, name, argument in objects(selector):
        if (name.startswith('$') and name not in known) or not isinstance(argument, kinds.get(name, object)):
            return True
        if name == '$regex' and not compiles(argument):
            return True
        if name == '$size' and not (type(argument) is int and argument >= 0):
            return True
        if name == '$mod' and not (isinstance(argument, list) and len(argument) == 2 and argument[0] != 0 and
                                   all(type(one) is int for one in argument)):
            return True
        if not name.startswith('$') and '' in re.split(r'(?<!\\)\.', name):
            return True
    return any(one.root and not one.path for one in conditions(selector)) and bool(selector)


def compiles(pattern):
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def whole_or_unlike(one, found):
    """$all: of nothing; with an array as its only value; with numbers that are equal but not the same."""
    if one.operator != '$all' or not isinstance(found, list):
        return False
    if not one.argument or (len(one.argument) == 1 and isinstance(one.argument[0], list)):
        return True
    return has_part([one.argument, found], lambda part: isinstance(part, float))


def other_regex(one, found):
    """Patterns of PCRE, and subjects whose bytes are not their characters."""
    return one.operator == '$regex' and isinstance(found, str) and (
        '(?' in one.argument or not (one.argument + found).isascii() or found.endswith('\n'))


# Kinds that are asked of the elements of $elemMatch too.
INSIDE_ELEMENTS = {'missing_is_not_different', 'null_is_a_value', 'strings_by_icu', 'all_of_terms',
                   'ways_through_objects', 'integers_are_written_so', 'ne_of_an_array', 'nested_fields_of_nothing', 'regex_is_pcre'}

DIFFERENCES = [
    Difference(
        'missing_is_not_different', 'A condition of a field that is not there is false, $ne too.',
        any_condition(lambda one, found: one.operator == '$ne' and field_is_not_there(found)),
        ({'a': {'$ne': 1}}, {}, 'false', 'true')),
    Difference(
        'negation_asks_the_field', 'A negation moves to the conditions, which are false where the field is not there.',
        any_condition(lambda one, found: one.negated and field_is_not_there(found)),
        ({'$not': {'a': {'$gt': 1}}}, {}, 'false', 'true')),
    Difference(
        'negation_below_a_field', 'Combinations are allowed below fields and in $elemMatch.',
        combination_inside,
        ({'a': {'$not': {'$gt': 1}}}, {'a': 1}, 'true', 'error')),
    Difference(
        'null_is_a_value', '$in and $nin ask of null as of every other value.',
        any_condition(lambda one, found: one.operator in ('$in', '$nin') and found is None),
        ({'a': {'$in': [None]}}, {'a': None}, 'true', 'false')),
    Difference(
        'ways_through_objects', 'Only objects and arrays have members.',
        other_ways,
        ({'a.b': ''}, {'a': ''}, 'false', 'true')),
    Difference(
        'indexes_are_integers', 'A step into an array is an integer, however it is written.',
        odd_indexes,
        ({'a.01': 6}, {'a': [5, 6]}, 'true', 'false')),
    Difference(
        'strings_by_icu', 'Strings are compared by ICU.',
        any_condition(odd_strings),
        ({'a': {'$gt': 'a'}}, {'a': 'B'}, 'true', 'false')),
    Difference(
        'all_of_terms', '$all asks for the same terms: 1 is not 1.0; of nothing it is false; its only value may be the '
                        'whole array.',
        any_condition(whole_or_unlike),
        ({'a': {'$all': [1]}}, {'a': [1.0]}, 'false', 'true')),
    Difference(
        'empty_lists', 'An empty $or is true.',
        any_member(lambda name, argument: name in COMBINATIONS and argument == []),
        ({'a': 1, '$or': []}, {'a': 1}, 'true', 'false')),
    Difference(
        'values_are_whole', 'An array or {} without an operator is a value.',
        implicit_containers,
        ({'a': {}}, {'a': 1}, 'false', 'true')),
    Difference(
        'nested_fields_of_nothing', 'Fields inside of a field are the longer names.',
        lambda selector, doc: nested_selectors(selector, doc),
        ({'a': {'b': {'$exists': False}}}, {}, 'true', 'error')),
    Difference(
        'nothing_without_operator', 'null, false, 0 and "" without an operator are values, at every depth.',
        implicit_nothing,
        ({'a': {'b': None}}, {'a': {'b': 1}}, 'false', 'true')),
    Difference(
        'and_holds_all', 'All conditions of an $and hold, those of one field too.',
        merged,
        ({'$and': [{'a': 1}, {'a': 2}]}, {'a': 2}, 'false', 'true')),
    Difference(
        'and_beside_others', 'What stands beside an $and holds too.',
        lambda selector, _: any('$and' in one and len(one) > 1 for one, _, _ in objects(selector)),
        ({'a': 1, '$and': [{'b': 1}]}, {'a': 2, 'b': 1}, 'false', 'true')),
    Difference(
        'lists_may_have_null', 'null may stand in every list.',
        lambda selector, _: has_and(selector) and has_part(
            selector, lambda part: isinstance(part, list) and None in part),
        ({'$and': [{'a': {'$in': [1, None]}}]}, {'a': 1}, 'true', 'error')),
    Difference(
        'integers_are_written_so', '2.0 is no integer for $mod.',
        any_condition(lambda one, found: one.operator == '$mod' and isinstance(found, float)),
        ({'a': {'$mod': [2, 0]}}, {'a': 2.0}, 'false', 'true')),
    Difference(
        'integers_of_any_size', 'Integers keep every digit.',
        any_condition(lambda one, found: not field_is_not_there(found) and has_part(
            [one.argument, found], lambda part: is_number(part) and abs(part) >= 2 ** 53)),
        ({'a': 9007199254740993}, {'a': 9007199254740992}, 'false', 'true')),
    Difference(
        'elements_by_themselves', '$elemMatch and $allMatch ask each element for what it is.',
        mixed_elements,
        ({'a': {'$elemMatch': {'$gt': 2}}}, {'a': [{}, 1]}, 'true', 'false')),
    Difference(
        'ne_of_an_array', 'The argument of $ne is one value.',
        any_condition(lambda one, found: one.operator == '$ne' and isinstance(one.argument, list)),
        ({'a': {'$ne': [1]}}, {'a': [1]}, 'false', 'true')),
    Difference(
        'regex_is_pcre', 'Regular expressions are those of PCRE, over bytes.',
        any_condition(other_regex),
        ({'a': {'$regex': '(?i)^B'}}, {'a': 'b'}, 'true', 'error')),
    Difference(
        'arguments_are_checked', 'A selector with a bad argument or without a field is refused.',
        refused,
        ({'a': {'$size': -1}}, {'a': []}, 'bad_arg', 'false')),
    Difference(
        'newer_operators', 'There are $beginsWith, $keyMapMatch and $text.',
        any_member(lambda name, _: name in ('$beginsWith', '$keyMapMatch', '$text')),
        ({'a': {'$beginsWith': 'b'}}, {'a': 'bc'}, 'true', 'error')),
    Difference(
        'backslashes_go', 'A backslash in the name of a field stands for nothing.',
        any_member(lambda name, _: bool(re.search(r'\\[^.$]|\\$', name))),
        ({'a\\b': 1}, {'ab': 1}, 'true', 'false')),
]


def kinds_of(selector, doc):
    """The names of the kinds that may show in a case. What is refused is of that kind alone."""
    if refused(selector, doc):
        return ['arguments_are_checked']
    return [kind.name for kind in DIFFERENCES if kind.applies(selector, doc)]
