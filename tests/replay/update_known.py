#!/usr/bin/env python3
"""Shows how the server differs from CouchDB now, for a person to judge: update_known.py --print

Starts a fresh server, or takes --url with the credentials of an admin. Each case that differs is
printed with what it is about, its differing steps and whether the list knows them already; the
last part is a draft of the missing entries for known_differences.json, whose reason and kind are
to be filled in. --only GLOB takes only the cases whose id or area matches.
"""
import argparse
import fnmatch
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import known
from harness.server import Server


def show(case, differing, wrong):
    print('\n%s (%s): %s' % (case['id'], case['area'], case['what']))
    for number, (step, differences) in sorted(differing.items()):
        print('  step %d %s %s' % (number, step['method'], step['path']))
        print('\n'.join('    ' + text for text in differences))
    if differing and not wrong:
        print('  (known)')


def review(only, url=None, server=None):
    tool, entries, drafts, count = known.replay_module(), known.load(), [], 0
    target = tool.Target(url or server.url_with_credentials)
    for case in known.cases():
        if only and not any(fnmatch.fnmatch(case[key], only) for key in ('id', 'area')):
            continue
        count += 1
        differing = known.replay(tool, case, target)
        if server and not server.running:
            print('\n%s: the server ended during this case\n%s' % (case['id'], server.log_tail()))
            target = tool.Target(server.start().url_with_credentials)
            continue
        wrong = known.complaints(case['id'], differing, entries)
        if differing or wrong:
            show(case, differing, wrong)
        for text in wrong:
            if 'any more' in text:
                print('  ' + text)
        listed = {step for entry in entries if entry['case'] == case['id'] for step in entry['steps']}
        missing = [number for number in sorted(differing) if number not in listed and '*' not in listed]
        if missing:
            drafts.append({'case': case['id'], 'steps': missing, 'reason': '', 'kind': ''})
    print('\n%d cases, %d with differences that are not listed' % (count, len(drafts)))
    if drafts:
        print('[\n%s\n]' % ',\n'.join('  ' + json.dumps(draft) for draft in drafts))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--print', action='store_true', required=True, help='print the differences')
    parser.add_argument('--url', help='a running server instead of a fresh one')
    parser.add_argument('--only', metavar='GLOB', help='only these cases or areas')
    arguments = parser.parse_args()
    if arguments.url:
        review(arguments.only, url=arguments.url)
    else:
        with Server() as server:
            review(arguments.only, server=server)


if __name__ == '__main__':
    main()
