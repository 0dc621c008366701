"""The known differences to CouchDB, and how a replay of the transcripts is held against them."""
import http.client
import importlib.util
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent
TRANSCRIPTS = FOLDER / 'couchdb-transcripts.jsonl'
KNOWN = FOLDER / 'known_differences.json'
# The areas of the transcripts that Divan is to answer by now.
AREAS = ['all_docs', 'attachments', 'bulk_docs', 'bulk_get', 'changes', 'collation', 'config', 'cors',
         'database', 'ddoc', 'design_docs', 'document', 'explain', 'find', 'index', 'json', 'list', 'multipart',
         'partitioned', 'purge', 'reduce', 'replicate', 'replicator', 'revs_diff',
         'revtree', 'rewrite', 'security', 'server', 'session', 'show', 'update', 'users', 'uuids', 'validate',
         'views']
KINDS = ['by design', 'later']
EVERY_STEP = '*'


def replay_module():
    """The replay tool, whose file name is not one of a Python module."""
    specification = importlib.util.spec_from_file_location('replay', FOLDER / 'replay-transcripts.py')
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def cases():
    """The recorded cases of AREAS."""
    with open(TRANSCRIPTS, encoding='utf-8') as lines:
        return [case for case in map(json.loads, lines) if case['area'] in AREAS]


def replay(tool, case, target):
    """The differing steps: {number: (step, [difference])}. Step 0 is a case that broke off."""
    differing = {}
    try:
        for number, step, differences in tool.Case(case, target).run():
            if differences:
                differing.setdefault(number, (step, []))[1].extend(differences)
    except (OSError, http.client.HTTPException) as error:
        target.local.conn = None
        differing[0] = ({'method': '', 'path': ''}, [repr(error)])
    return differing


def load(path=KNOWN):
    """The list; raises ValueError when an entry is not well formed."""
    entries = json.loads(path.read_text(encoding='utf-8'))
    seen = set()
    for entry in entries:
        steps = entry.get('steps')
        if set(entry) != {'case', 'steps', 'reason', 'kind'} or entry['kind'] not in KINDS:
            raise ValueError('not {case, steps, reason, kind}: %s' % entry)
        if steps != EVERY_STEP and not (isinstance(steps, list) and steps and
                                        all(isinstance(step, int) for step in steps)):
            raise ValueError('steps are a list of numbers or "*": %s' % entry)
        if not entry['reason'].endswith('.'):
            raise ValueError('the reason is not a sentence: %s' % entry)
        for step in [steps] if steps == EVERY_STEP else steps:
            if (entry['case'], step) in seen:
                raise ValueError('listed twice: %s step %s' % (entry['case'], step))
            seen.add((entry['case'], step))
    return entries


def complaints(case_id, differing, entries):
    """What is wrong with the list for this case: a difference that is not listed, or a listed one
    that is none any more. A case may have several entries, each for its own steps."""
    mine = [entry for entry in entries if entry['case'] == case_id]
    every = any(entry['steps'] == EVERY_STEP for entry in mine)
    listed = {step for entry in mine if entry['steps'] != EVERY_STEP for step in entry['steps']}
    found = []
    for number, (step, differences) in sorted(differing.items()):
        if not every and number not in listed:
            found.append('step %d %s %s differs from CouchDB:\n    %s' % (
                number, step['method'], step['path'], '\n    '.join(differences)))
    for number in sorted(listed - set(differing)):
        found.append('step %d is listed as a known difference, but is none any more' % number)
    if every and not differing:
        found.append('every step is listed as a known difference, but none is any more')
    return found


def table(entries):
    """The differences by design as Markdown, one line a case and reason."""
    lines = ['| Case | What differs |', '| --- | --- |']
    for entry in sorted(entries, key=lambda entry: entry['case']):
        if entry['kind'] == 'by design':
            lines.append('| `%s` | %s |' % (entry['case'], entry['reason'].replace('|', '\\|')))
    return '\n'.join(lines) + '\n'
