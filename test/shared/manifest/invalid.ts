/** Manifests that must be refused, each with the problems to tell: path, line, column, and the nearest name if any. */
export interface InvalidManifest {
  /** Completes "refuses …". */
  name: string;
  text: string;
  /** `path line:column` with ` → nearest` where there is one; in the order of the text. */
  problems: string[];
}

/** Front matter of some lines above a prompt. */
const front = (...lines: string[]): string => ['---', ...lines, '---', 'Do it.'].join('\n');

export const INVALID: InvalidManifest[] = [
  { name: 'an unknown engine', text: front('engine: cluade'), problems: ['engine 2:9 → claude'] },
  { name: 'an engine that is no text', text: front('engine: 5'), problems: ['engine 2:9'] },
  { name: 'an engine in capitals', text: front('engine: Claude'), problems: ['engine 2:9 → claude'] },
  {
    name: 'an unknown engine class',
    text: front('engine-class: agentic-codr'),
    problems: ['engine-class 2:15 → agentic-coder'],
  },
  {
    name: 'an engine outside its class',
    text: front('engine: shell', 'engine-class: agentic-coder'),
    problems: ['engine-class 3:15'],
  },
  { name: 'an unknown field', text: front('colour: red'), problems: ['colour 2:1'] },
  { name: 'a misspelt field', text: front('priorty: high'), problems: ['priorty 2:1 → priority'] },
  {
    name: 'a field in camel case',
    text: front('baseBranch: main'),
    problems: ['baseBranch 2:1 → base-branch'],
  },
  {
    name: 'a field in snake case',
    text: front('idempotency_key: a'),
    problems: ['idempotency_key 2:1 → idempotency-key'],
  },
  {
    name: 'the one camel-case field in kebab case',
    text: front('target-factory-id: mac-1'),
    problems: ['target-factory-id 2:1 → targetFactoryId'],
  },
  { name: 'the name that others use', text: front('depends-on: [a]'), problems: ['depends-on 2:1 → deps'] },
  {
    name: 'a priority that is none',
    text: front('priority: urgent'),
    problems: ['priority 2:11'],
  },
  { name: 'a duration in words', text: front('timeout: soon'), problems: ['timeout 2:10'] },
  { name: 'a duration without unit', text: front("timeout: '45'"), problems: ['timeout 2:10'] },
  { name: 'a negative duration', text: front('timeout: -5'), problems: ['timeout 2:10'] },
  { name: 'a duration of nothing', text: front('timeout: 0m'), problems: ['timeout 2:10'] },
  { name: 'a duration without end', text: front(`timeout: ${'9'.repeat(400)}d`), problems: ['timeout 2:10'] },
  { name: 'a duration that is true', text: front('timeout: true'), problems: ['timeout 2:10'] },
  { name: 'an amount in words', text: front('budget: {usd: five}'), problems: ['budget.usd 2:15'] },
  { name: 'an amount of nothing', text: front('budget: {usd: $0}'), problems: ['budget.usd 2:15'] },
  { name: 'another currency', text: front('budget:', '  usd: 5€'), problems: ['budget.usd 3:8'] },
  { name: 'tokens in words', text: front('budget:', '  tokens: many'), problems: ['budget.tokens 3:11'] },
  { name: 'half a token', text: front('budget: {tokens: 0.5}'), problems: ['budget.tokens 2:18'] },
  {
    name: 'an unknown part of the budget',
    text: front('budget:', '  usd: 5', '  toknes: 3'),
    problems: ['budget.toknes 4:3 → tokens'],
  },
  { name: 'a run time in words', text: front('budget: {wall: hours}'), problems: ['budget.wall 2:16'] },
  { name: 'a profile in capitals', text: front('profile: Backend'), problems: ['profile 2:10'] },
  { name: 'a budget that is a number', text: front('budget: 5'), problems: ['budget 2:9'] },
  {
    name: 'a negated capability',
    text: front('capabilities: [os:mac, "!gpu"]'),
    problems: ['capabilities.1 2:24'],
  },
  {
    name: 'a capability with a space',
    text: front('capabilities:', '  - has xcode'),
    problems: ['capabilities.0 3:5'],
  },
  {
    name: 'a capability that is a map',
    text: front('capabilities:', '  - os: mac'),
    problems: ['capabilities.0 3:5'],
  },
  { name: 'capabilities that are a text', text: front('capabilities: gpu'), problems: ['capabilities 2:15'] },
  {
    name: 'a capability without end',
    text: front(`capabilities: [${'a'.repeat(101)}]`),
    problems: ['capabilities.0 2:16'],
  },
  { name: 'an empty preference', text: front('prefers: [""]'), problems: ['prefers.0 2:11'] },
  { name: 'yes for true', text: front('yolo: yes'), problems: ['yolo 2:7'] },
  { name: 'a field without value', text: front('repo:'), problems: ['repo 2:6'] },
  { name: 'a repository that is an option', text: front('repo: --upload-pack=x'), problems: ['repo 2:7'] },
  { name: 'a repository with blanks', text: front('repo: a b'), problems: ['repo 2:7'] },
  { name: 'a path with blanks', text: front('cwd: /my app'), problems: ['cwd 2:6'] },
  { name: 'a path that is a number', text: front('cwd: 5'), problems: ['cwd 2:6'] },
  {
    name: 'two repositories',
    text: front('cwd: /a', 'repo: /b'),
    problems: ['cwd 2:1'],
  },
  {
    name: 'a branch that YAML takes for a number',
    text: front('base-branch: 1.0'),
    problems: ['base-branch 2:14'],
  },
  { name: 'a branch that is an option', text: front('base-branch: -f'), problems: ['base-branch 2:14'] },
  { name: 'an empty title', text: front("title: ''"), problems: ['title 2:8'] },
  { name: 'a title without end', text: front(`title: ${'a'.repeat(201)}`), problems: ['title 2:8'] },
  { name: 'an empty lock', text: front('lock: ""'), problems: ['lock 2:7'] },
  { name: 'an empty verify', text: front('verify: ""'), problems: ['verify 2:9'] },
  { name: 'an empty key', text: front('idempotency-key: ""'), problems: ['idempotency-key 2:18'] },
  { name: 'an empty tracker item', text: front('tracker-item: ""'), problems: ['tracker-item 2:15'] },
  { name: 'an empty target', text: front('targetFactoryId: ""'), problems: ['targetFactoryId 2:18'] },
  { name: 'too many retries', text: front('retry: {max: 99}'), problems: ['retry.max 2:14'] },
  { name: 'half a retry', text: front('retry: {max: 1.5}'), problems: ['retry.max 2:14'] },
  { name: 'a retry that is a number', text: front('retry: 3'), problems: ['retry 2:8'] },
  {
    name: 'a retry on an unknown reason',
    text: front('retry:', '  on: [timeout, lostt]'),
    problems: ['retry.on.1 3:17 → lost'],
  },
  {
    name: 'a retry with another name for its wait',
    text: front('retry: {delay: 5s}'),
    problems: ['retry.delay 2:9 → backoff'],
  },
  {
    name: 'a retry that waits for nothing',
    text: front('retry: {backoff: 0s}'),
    problems: ['retry.backoff 2:18'],
  },
  {
    name: 'an unknown review policy',
    text: front('review-policy: manul'),
    problems: ['review-policy 2:16 → manual'],
  },
  {
    name: 'a review policy without reviewers',
    text: front('review-policy: {quorm: 2}'),
    problems: ['review-policy.reviewers 2:16', 'review-policy.quorm 2:17 → quorum'],
  },
  {
    name: 'more approvals than reviewers',
    text: front('review-policy: {reviewers: [ada, ada], quorum: 2}'),
    problems: ['review-policy.quorum 2:48'],
  },
  { name: 'a dependency without a name', text: front("deps: ['']"), problems: ['deps.0 2:8'] },
  { name: 'an unknown kind', text: front('kind: compsite'), problems: ['kind 2:7 → composite'] },
  {
    name: 'everything at once, in the order of the text',
    text: front('engine: cluade', 'timeout: soon', 'artifacts: a', 'budget:', '  usd: five', 'colour: red'),
    problems: ['engine 2:9 → claude', 'timeout 3:10', 'artifacts 4:12', 'budget.usd 6:8', 'colour 7:1'],
  },
  // The body.
  { name: 'nothing', text: '', problems: ['body 1:1'] },
  { name: 'blanks', text: ' \n\n ', problems: ['body 1:1'] },
  { name: 'front matter without a prompt', text: '---\nengine: shell\n---\n\n', problems: ['body 4:1'] },
  { name: 'a prompt in the front matter', text: front('body: hello'), problems: ['body 2:1'] },
  {
    name: 'a prompt that is too long',
    text: `---\n---\n\n${'a'.repeat(256 * 1024 + 1)}`,
    problems: ['body 4:1'],
  },
  // The form.
  { name: 'front matter that is not closed', text: '---\nengine: shell\nDo it.', problems: [' 1:1'] },
  { name: 'front matter without its first line', text: 'engine: shell\n---\nDo it.', problems: [' 1:1'] },
  { name: 'front matter that is a list', text: front('- engine'), problems: [' 2:1'] },
  { name: 'front matter that is a text', text: front('hello'), problems: [' 2:1'] },
  { name: 'a bracket that is not closed', text: front('capabilities: [gpu'), problems: [' 2:19'] },
  { name: 'a tab for indentation', text: front('budget:', '\tusd: 5'), problems: [' 3:1'] },
  {
    name: 'a field that stands twice',
    text: front('engine: shell', 'engine: claude'),
    problems: ['engine 3:1'],
  },
  { name: 'an alias', text: front('title: &t hello', 'lock: *t'), problems: [' 3:7'] },
  { name: 'an unknown tag', text: front('title: !evil hello'), problems: [' 2:8'] },
  { name: 'front matter without end', text: front(`# ${'a'.repeat(20_000)}`), problems: [' 2:1'] },
  { name: 'nesting without end', text: front(`capabilities: ${'['.repeat(9000)}`), problems: [' 2:38'] },
  { name: 'block nesting without end', text: front('- '.repeat(5000)), problems: [' 2:48'] },
  // JSON.
  {
    name: 'JSON with an unknown field',
    text: '{"body": "x",\n\t"enigne": "shell"}',
    problems: ['enigne 2:2 → engine'],
  },
  { name: 'JSON without a body', text: '{"engine": "shell"}', problems: ['body 1:1'] },
  {
    name: 'JSON with a wrong item',
    text: '{"body": "x", "capabilities": ["gpu", 5]}',
    problems: ['capabilities.1 1:39'],
  },
  { name: 'JSON with a repeated field', text: '{"body": "x",\n "body": "y"}', problems: [' 2:2'] },
  { name: 'JSON that ends early', text: '{"body": "x"', problems: [' 1:13'] },
  { name: 'JSON with a bare word', text: '{"body":\n  x}', problems: [' 2:3'] },
  { name: 'JSON with a comma too many', text: '{"body": "x",}', problems: [' 1:14'] },
  { name: 'JSON with text behind it', text: '{"body": "x"} {', problems: [' 1:15'] },
  { name: 'JSON with a raw line break in a text', text: '{"body": "a\nb"}', problems: [' 1:10'] },
  { name: 'JSON with a text that is not closed', text: '{"body": "x}', problems: [' 1:10'] },
  { name: 'JSON with a number that is none', text: '{"body": "x", "timeout": 05}', problems: [' 1:27'] },
  { name: 'JSON nested without end', text: `{"deps": ${'['.repeat(100_000)}`, problems: [' 1:42'] },
  {
    name: 'JSON with a field named __proto__',
    text: '{"body": "x", "__proto__": 1}',
    problems: ['__proto__ 1:15'],
  },
];
