// Who may import what (docs/architecture.md): an oxlint rule. Paths are from the project's root, without an
// extension; the first row whose `from` matches the importing file decides.
import path from 'node:path';

const CLOUD_SDKS = ['@azure/cosmos', '@azure/service-bus', '@azure/storage-blob', '@azure/identity'];
const CONTRACT = ['shared/contract/', 'shared/errors', 'shared/topology'];

/** @type {{ from: RegExp, may: (string | RegExp)[], why: string }[]} */
const RULES = [
  { from: /^shared\/contract\//, may: ['shared/contract/', 'zod'], why: 'the contract depends on zod alone' },
  {
    from: /^shared\/rules\//,
    may: ['shared/rules/', ...CONTRACT, 'semver', 'picomatch'],
    why: 'rules are pure: the contract only, no input or output',
  },
  {
    from: /^shared\/cloud\//,
    may: ['shared/cloud/', ...CONTRACT, ...CLOUD_SDKS, /^node:/],
    why: 'the cloud ports know the contract, the topology and the SDKs',
  },
  {
    from: /^shared\//,
    may: ['shared/', 'zod', 'yaml', /^node:/],
    why: 'shared imports nothing outside itself',
  },
  {
    from: /^functions\/operations\//,
    may: [
      'functions/operations/',
      ...CONTRACT,
      'shared/manifest',
      'shared/eventChain',
      'shared/jobId',
      'shared/rules/',
      'shared/cloud/',
      'node:crypto',
    ],
    why: 'operations import contract, rules and the cloud ports',
  },
  {
    from: /^functions\/lib\//,
    may: ['functions/lib/', 'functions/operations/', 'shared/', '@azure/functions', 'jose', 'zod', /^node:/],
    why: 'lib holds the boundaries and auth',
  },
  {
    from: /^functions\/(http|queue|feed|timer)\//,
    may: ['functions/lib/', 'functions/operations/', 'shared/', '@azure/functions'],
    why: 'a trigger imports its operation and lib, never another trigger',
  },
  {
    from: /^factory\//,
    may: [
      'factory/',
      'shared/',
      'yaml',
      'zod',
      'jose',
      'picomatch',
      'semver',
      'commander',
      '@secretlint/core',
      '@secretlint/secretlint-rule-preset-recommend',
      /^node:/,
    ],
    why: 'the factory imports contract, rules, cloud and the client',
  },
  {
    from: /^cli\//,
    may: [
      'cli/',
      ...CONTRACT,
      'shared/client',
      'shared/eventText',
      'shared/blockText',
      'shared/manifest',
      'commander',
      'yaml',
      /^node:/,
    ],
    why: 'the cli imports the contract and the client',
  },
  {
    from: /^web\//,
    may: [
      'web/',
      ...CONTRACT,
      'shared/client',
      'shared/eventText',
      'shared/blockText',
      'oidc-client-ts',
      /^react/,
      '@vitejs/plugin-react',
      'vite',
      /^node:/,
    ],
    why: 'the console imports the contract and the client',
  },
  {
    from: /^local\//,
    may: [
      'local/',
      'shared/topology',
      'rhea',
      'jose',
      'commander',
      '@azure/functions',
      ...CLOUD_SDKS,
      /^node:/,
    ],
    why: 'an emulator that knows the product proves nothing: topology only',
  },
  { from: /^(test|scripts)\//, may: [/.*/], why: '' },
];

const allowed = (target, may) =>
  may.some((entry) =>
    entry instanceof RegExp
      ? entry.test(target)
      : entry.endsWith('/')
        ? target.startsWith(entry)
        : target === entry || target.startsWith(`${entry}/`),
  );

const imports = {
  create(context) {
    const file = path.relative(process.cwd(), context.filename).split(path.sep).join('/');
    const rule = RULES.find(({ from }) => from.test(file));
    if (!rule) return {};
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string') return;
      const target = specifier.startsWith('.')
        ? path.posix.join(path.posix.dirname(file), specifier).replace(/\.(js|ts|tsx|json|css)$/, '')
        : specifier;
      if (!allowed(target, rule.may))
        context.report({ node, message: `${file} may not import ${target}: ${rule.why}` });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default { meta: { name: 'boundaries' }, rules: { imports } };
