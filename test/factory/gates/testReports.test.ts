import { expect, test } from 'vitest';
import { linesOf, summaryOf } from '../../../factory/gates/testReports.js';

test.each([
  ['TN:\nSF:a.js\nLF:10\nLH:4\nend_of_record\nSF:b.js\nLF:10\nLH:6\nend_of_record\n', { hit: 10, total: 20 }],
  ['{"total":{"lines":{"total":40,"covered":30,"pct":75}}}', { hit: 30, total: 40 }],
  [
    '<?xml?><coverage lines-covered="9" lines-valid="12" line-rate="0.75" version="1">',
    { hit: 9, total: 12 },
  ],
  ['<coverage generated="1">', undefined],
  ['{"total":{}}', undefined],
  ['nonsense', undefined],
])('counts the lines of %j', (text, lines) => {
  expect(linesOf(text)).toEqual(lines);
});

test('counts test cases of nested suites, names the failed ones, and bears broken XML', () => {
  const xml = `<testsuites tests="99"><testsuite><testsuite>
    <testcase classname="a.b" name="one > two" time="1"></testcase>
    <testcase name='has "quotes"'><error message="<failure>"/></testcase>
    <testcase name="said"><system-out>&lt;failure&gt;</system-out></testcase>
    <testcase name="later"><skipped/></testcase>
    <testcase classname="c" name="cut`;
  expect(summaryOf(xml)).toEqual({ passed: 3, failed: 1, skipped: 1, failures: ['has "quotes"'] });
});
