// Defects planted into the built product, one at a time. Each is a promise broken on purpose: a simulation that does
// not see it proves nothing about the promise.

export interface Mutant {
  readonly name: string;
  /** Of the built sources. */
  readonly file: string;
  /** The exact text; where it is gone, the mutant has to be written anew. */
  readonly find: string;
  readonly replace: string;
}

const OPERATIONS = 'functions/operations';
const mutant = (name: string, file: string, find: string, replace: string): Mutant => ({
  name,
  file: `${file}.js`,
  find,
  replace,
});

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'a report is taken whatever its epoch',
    'shared/rules/lifecycle',
    'if (epoch !== job.epoch || factoryId !== job.holder) {',
    'if (false) {',
  ),
  mutant(
    'a claim does not raise the epoch',
    'shared/rules/lifecycle',
    'const epoch = job.epoch + 1;',
    'const epoch = Math.max(1, job.epoch);',
  ),
  mutant(
    'a job in flight may be claimed',
    'shared/rules/stages',
    'export const isReady = (job) => !isInFlight(job) &&',
    'export const isReady = (job) =>',
  ),
  mutant(
    'a failed build keeps its holder',
    'shared/rules/failure',
    "const free = { ...omit(job, 'holder', 'notBefore'), failure:",
    "const free = { ...omit(job, 'notBefore'), failure:",
  ),
  mutant(
    'events do not say where a stage came from',
    'shared/rules/decision',
    '...(before.stage !== after.stage && { from: before.stage }),',
    '',
  ),
  mutant('the chain of events does not go on', 'shared/eventChain', 'prevHash = hash;', ''),
  mutant(
    'a claim that came second believes that it came first',
    `${OPERATIONS}/commitDecision`,
    'return current?.document.headHash === job.headHash ? job : undefined;',
    'return job;',
  ),
  mutant(
    'events are written after the job, not with it',
    `${OPERATIONS}/commitDecision`,
    'await deps.documents.batch(JOBS, partition, steps);',
    'await deps.documents.batch(JOBS, partition, steps.slice(0, 1));\n' +
      '        await deps.documents.batch(JOBS, partition, steps.slice(1));',
  ),
  mutant(
    'a claim takes the lock of another job',
    `${OPERATIONS}/leaseStore`,
    'if (existing && (await lockHolder(deps, existing.document, job.jobId)) !== undefined)',
    'if (false)',
  ),
  mutant(
    'a lock that ran out is free although its job runs',
    `${OPERATIONS}/leaseStore`,
    'return live ? lock.jobId : undefined;',
    'return undefined;',
  ),
  mutant(
    'a late claimer writes over the lease of a later epoch',
    `${OPERATIONS}/leaseStore`,
    'if (existing.document.epoch > lease.epoch)',
    'if (false)',
  ),
  mutant(
    'a lease is renewed whatever its epoch',
    `${OPERATIONS}/renewLease`,
    'FROM c WHERE c.epoch = ${epoch} AND c.holder',
    'FROM c WHERE c.holder',
  ),
  mutant(
    'a slow renewal shortens a lease',
    `${OPERATIONS}/renewLease`,
    " AND c.expiresAt <= '${expiresAt}'",
    '',
  ),
  mutant(
    'a renewal changes nothing',
    `${OPERATIONS}/renewLease`,
    "[{ op: 'set', path: '/expiresAt', value: expiresAt }]",
    "[{ op: 'set', path: '/renewed', value: 1 }]",
  ),
  mutant(
    'a halt does not reach running work',
    `${OPERATIONS}/renewLease`,
    'if (halted !== undefined) {',
    'if (false) {',
  ),
  mutant(
    'a halt does not stop claims',
    'shared/rules/blocks',
    'const reason = switches.get(scope);',
    'const reason = undefined;',
  ),
  mutant(
    'the reaper does not wait for the end of a lease',
    `${OPERATIONS}/reapLeases`,
    'if (isExpired(lease.document, deps.clock.now()))',
    'if (true)',
  ),
  mutant(
    'the reaper takes a lease that was renewed meanwhile',
    `${OPERATIONS}/reapLeases`,
    'await deps.documents.replace(LEASES, [jobId], fenced, lease.etag);',
    'await deps.documents.upsert(LEASES, fenced);',
  ),
  mutant(
    'the reaper takes no job back',
    `${OPERATIONS}/reapLeases`,
    "const job = await changeJob(deps, ref, { kind: 'lose', actor: REAPER, epoch, message });",
    'const job = { stage: epoch };',
  ),
  mutant(
    'a claim without a lease yet is taken back at once',
    'shared/rules/leases',
    'return isExpired({ expiresAt: leaseExpiry(claimedAt, seconds) }, now);',
    'return isExpired({ expiresAt: claimedAt }, now);',
  ),
  mutant(
    'an entry of a ready job is removed on the word of an old read',
    `${OPERATIONS}/claimJobs`,
    'job.events >= entry.jobEvents',
    'true',
  ),
  mutant(
    'a newer ready entry is removed in place of the old one',
    `${OPERATIONS}/claimJobs`,
    'entry.document.id, entry.etag)',
    'entry.document.id)',
  ),
  mutant(
    'the feed dispatches nothing',
    `${OPERATIONS}/dispatchReadyJob`,
    'await dispatchJob(deps, job);',
    '',
  ),
  mutant(
    'the feed believes a read that is older than its event',
    `${OPERATIONS}/dispatchReadyJob`,
    'if (job.events < event.seq)',
    'if (false)',
  ),
  mutant(
    'a batch of the feed that failed does not come again',
    'functions/lib/feedBatch',
    'if (failures.length > 0)',
    'if (false)',
  ),
  mutant(
    'the sweeper sends no tickets',
    `${OPERATIONS}/sweepTickets`,
    'for (const entry of again)',
    'for (const entry of [])',
  ),
  mutant(
    'a submit that is repeated is a new job',
    `${OPERATIONS}/submitJob`,
    "manifest['idempotency-key'] ?? deps.chance.uuid()",
    'deps.chance.uuid()',
  ),
  mutant(
    'a claim reserves whatever is left',
    `${OPERATIONS}/budgetStore`,
    "condition: `FROM c WHERE ${BUDGET_WINDOWS.map((window) => roomIn(window, usd, now)).join(' AND ')}`,",
    '',
  ),
  mutant(
    'a reservation that is given back stays counted',
    `${OPERATIONS}/budgetStore`,
    'value: -stored.document.usd',
    'value: 0',
  ),
  mutant(
    'a settled reservation stays',
    `${OPERATIONS}/accrueSpend`,
    "const steps = reservation === undefined ? [] : [{ kind: 'remove', id: reservation.id }];",
    'const steps = [];',
  ),
  mutant(
    'a pause forgets what was reserved',
    'shared/rules/budget',
    'return body.paused ?',
    'return false ?',
  ),
  mutant(
    'a lost run settles nothing',
    'shared/rules/budget',
    "case 'run.lost':\n            return { kind: 'reserved', epoch: body.epoch };",
    "case 'run.lost':\n            return undefined;",
  ),
  mutant(
    'a factory pushes without asking for its lease',
    'factory/runs/lease',
    'if (await this.renew())\n                return true;',
    'return true;',
  ),
  mutant(
    'a factory fills a seat twice',
    'factory/transports/claims',
    'return this.mutex.run(async () => {',
    'return (async (task) => task())(async () => {',
  ),
  mutant(
    'a composite that fails fast does not wait for its children',
    'shared/rules/composite',
    'ended: children.length >= count && over.length === children.length,',
    'ended: children.length >= count,',
  ),
  mutant(
    'a cancelled composite leaves its children to themselves',
    `${OPERATIONS}/tendChildren`,
    'await cancelChildren(deps, job, body.reason);',
    '',
  ),
  mutant(
    'the end of the last child ends no composite',
    `${OPERATIONS}/tendChildren`,
    'if (ended)\n        await tryChange(',
    'if (false)\n        await tryChange(',
  ),
  mutant(
    'a job keeps the profile that it was submitted with',
    `${OPERATIONS}/assignedProfile`,
    '(await profileFor(deps, productId, manifest.profile)) ?? before',
    'before',
  ),
  mutant(
    'an item is told again without a look at what it was told',
    `${OPERATIONS}/githubItems`,
    'comments.some((comment) => comment.body?.includes(marker))',
    'false',
  ),
  mutant(
    'each delivery of an item is a job of its own',
    `${OPERATIONS}/ingestTrackerItem`,
    "'idempotency-key': `${item}:${sha256(JSON.stringify(content)).slice(0, 32)}`",
    "'idempotency-key': `${item}:${event.action}`",
  ),
  mutant(
    'a comment that the tracker did not take is forgotten',
    `${OPERATIONS}/postToTracker`,
    'const again = { post:',
    'return;\n        const again = { post:',
  ),
  mutant(
    'an outage uses the deliveries of a message up',
    `${OPERATIONS}/postToTracker`,
    'isOutage(error) ||',
    'false ||',
  ),
  mutant(
    'a lease that the reaper fenced is written again',
    `${OPERATIONS}/leaseStore`,
    'existing.document.takenFrom !== undefined)',
    'false)',
  ),
  mutant(
    'a hot lane stays one session',
    `${OPERATIONS}/laneSession`,
    'window.count % shardsFor(rate, deps.settings.sessionTicketsPerSecond)',
    '0',
  ),
  mutant(
    'a lane that was hot once stays on its shards',
    `${OPERATIONS}/laneSession`,
    'now - window.begin < 2 * WINDOW_MS',
    'true',
  ),
  mutant(
    'the tickets of a shard go to a session of their own',
    'shared/rules/lanes',
    '`${lane}~${shard}`',
    '`${lane}~${shard}~${shard}`',
  ),
  mutant(
    'a token that was replaced twice still opens',
    `${OPERATIONS}/factoryTokens`,
    '`FROM c WHERE ARRAY_CONTAINS(c.tokens, ${JSON.stringify(tokenId)})`',
    "'FROM c'",
  ),
  mutant(
    'an instance trusts for ever what it knows of a factory',
    `${OPERATIONS}/factoryTokens`,
    'at - last.at < TRUST_MS',
    'true',
  ),
  mutant(
    'an old read of its tokens refuses a factory',
    `${OPERATIONS}/factoryTokens`,
    ': await factoryWithToken(deps, id, tokenId);',
    ': await Promise.reject(notEnrolled(id));',
  ),
  mutant(
    'a new token ends the one that it was asked for with',
    `${OPERATIONS}/factoryTokens`,
    'value: [deps.chance.uuid(), tokenId]',
    'value: [deps.chance.uuid()]',
  ),
  mutant(
    'a request for a token that comes twice ends the one in use',
    `${OPERATIONS}/factoryTokens`,
    '`FROM c WHERE c.tokens[0] = ${JSON.stringify(tokenId)}`',
    '`FROM c WHERE ARRAY_CONTAINS(c.tokens, ${JSON.stringify(tokenId)})`',
  ),
  mutant(
    'a factory calls with a token that it did not keep',
    'factory/identity',
    'current = await keep({ ...current, ...byOwnClock(given, now()) });',
    'current = { ...current, ...byOwnClock(given, now()) };',
  ),
  mutant(
    'a factory that is thrown out keeps its jobs',
    `${OPERATIONS}/factoryTokens`,
    'leases.map((lease) =>',
    '[].map((lease) =>',
  ),
  mutant(
    'a factory that is thrown out stays a member',
    `${OPERATIONS}/factoryTokens`,
    'await deps.documents.remove(FACTORIES, [FLEET], factoryId);',
    '',
  ),
  mutant(
    'a one-time token lets two factories in',
    `${OPERATIONS}/enrolFactory`,
    'if (await deps.documents.remove(CONTROL, [FLEET], id, stored.etag))',
    'if (true)',
  ),
  mutant(
    'a factory comes in twice when the answer to its enrolment is lost',
    `${OPERATIONS}/enrolFactory`,
    'if (stored?.document.tokens[0] === factory.tokens[0])',
    'if (false)',
  ),
];
