import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesFields, parseFieldSelector, requiredFieldValue } from './field-selector.js';
import {
  formatLabelSelector,
  labelSelectorRequirements,
  matchesLabels,
  parseLabelSelector,
  selectorMatches,
  type LabelRequirement,
} from './label-selector.js';

describe('label selectors', () => {
  test.each([
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['! a', {}, true],
    ['a in (x, y)', { a: 'y' }, true],
    ['a notin (x,y)', {}, true],
    ['a notin (x,y)', { a: 'x' }, false],
    ['a=', { a: '' }, true],
    ['a=,b', { a: '', b: '1' }, true],
    ['a>3', { a: '4' }, true],
    ['a<3', { a: 'x' }, false],
    ['in=notin', { in: 'notin' }, true],
    ['app.kubernetes.io/name=web,tier in (front)', { 'app.kubernetes.io/name': 'web', tier: 'front' }, true],
    ['', {}, true],
  ])('%p on %p is %p', (text, labels, expected) => {
    expect(matchesLabels(parseLabelSelector(text), labels as Record<string, string>)).toBe(expected);
  });

  test.each([
    ['a=b,', "unable to parse requirement: found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in x', "unable to parse requirement: found 'x' expected: '('"],
    [',a', "unable to parse requirement: found ',', expected: !, identifier, or 'end of string'"],
    ['a=b c', "unable to parse requirement: found 'c', expected: ',' or 'end of string'"],
    ['-a=b', 'unable to parse requirement: key: Invalid value: "-a": name part must consist of'],
  ])('refuses %p in the words of Kubernetes', (text, message) => expect(() => parseLabelSelector(text)).toThrow(message));

  test('an absent selector object selects nothing, an empty one everything', () => {
    expect(selectorMatches(undefined, {})).toBe(false);
    expect(selectorMatches({}, {})).toBe(true);
    expect(selectorMatches({ matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'DoesNotExist' }] }, { a: 'b' })).toBe(true);
    expect(() => labelSelectorRequirements({ matchExpressions: [{ key: 'c', operator: 'Near' }] })).toThrow(
      '"Near" is not a valid label selector operator',
    );
  });

  test('an inherited property is no label', () => expect(matchesLabels(parseLabelSelector('constructor'), {})).toBe(false));

  test('what is printed is parsed to the same requirements', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/).filter((word) => word !== 'in' && word !== 'notin');
    const requirement = fc.record({
      key: name,
      operator: fc.constantFrom('in' as const, 'notin' as const, 'exists' as const, 'absent' as const),
      values: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(requirement, { maxLength: 4, selector: (r) => r.key }), (drawn) => {
        const wanted = drawn
          .map((r): LabelRequirement => ({ ...r, values: r.operator === 'in' || r.operator === 'notin' ? [...r.values].sort() : [] }))
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        expect(parseLabelSelector(formatLabelSelector(wanted))).toEqual(wanted);
      }),
    );
  });
});

const pods = { group: '', resource: 'pods' };
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { nodeName: 'n1' },
  status: { phase: 'Running' },
};

describe('field selectors', () => {
  test.each([
    ['spec.nodeName=n1', true],
    ['spec.nodeName!=n1', false],
    ['status.phase==Running,metadata.name=web', true],
    ['spec.hostNetwork=false', true],
    ['status.nominatedNodeName=', true],
    ['metadata.name=a\\,b', false],
    ['', true],
  ])('%p on a running pod is %p', (text, expected) => {
    expect(matchesFields(pods, parseFieldSelector(pods, text), pod)).toBe(expected);
  });

  test('refuses fields that the kind does not have, in the words of Kubernetes', () => {
    expect(() => parseFieldSelector(pods, 'spec.foo=1')).toThrow('field label not supported: spec.foo');
    expect(() => parseFieldSelector({ group: 'apps', resource: 'deployments' }, 'spec.replicas=1')).toThrow(
      '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect(() => parseFieldSelector(pods, 'spec.nodeName')).toThrow("invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'");
  });

  test('selects events by the object that they concern, in both groups', () => {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'web' },
      source: { component: 'c' },
    };
    const core = { group: '', resource: 'events' };
    const newer = { group: 'events.k8s.io', resource: 'events' };
    expect(matchesFields(core, parseFieldSelector(core, 'involvedObject.name=web,source=c'), event)).toBe(true);
    expect(matchesFields(newer, parseFieldSelector(newer, 'regarding.kind=Pod'), event)).toBe(true);
  });

  test('tells the value that a selector fixes a field to', () => {
    expect(requiredFieldValue(parseFieldSelector(pods, 'spec.nodeName=n1'), 'spec.nodeName')).toBe('n1');
    expect(requiredFieldValue(parseFieldSelector(pods, 'spec.nodeName!=n1'), 'spec.nodeName')).toBeUndefined();
  });
});
