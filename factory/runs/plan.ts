/** A plan run: the engine splits a composite job; what it leaves in the plan's file becomes the job's children. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunReport } from '../../shared/contract/api.js';
import { PlanSchema, type Plan } from '../../shared/contract/children.js';
import type { EngineResult } from '../engines/engine.js';
import { reasonOf } from '../log.js';
import { composePlanPrompt } from '../prompt.js';
import { featureBranch } from '../workspace/change.js';
import type { RunContext } from './context.js';
import { engineAndRepo, failed, failureOf, reportStart, runEngine } from './engineRun.js';

/** Names the file that the plan is to be written to. */
const PLAN_VARIABLE = 'GIGAFACTORY_PLAN';
const MAX_SHOWN_PROBLEMS = 20;

/**
 * Works until the last report of the run is known. Nothing is pushed: the worktree is for reading.
 * @throws PreflightError when it cannot begin; GitError; the signal's reason when it is stopped
 */
export async function planRun(context: RunContext): Promise<RunReport> {
  const { claim, log, signal } = context;
  const { manifest } = claim.job;
  const { engine, repo } = await engineAndRepo(context);
  const checkout = await context.workspace.checkout(
    {
      run: context.run,
      repo,
      baseBranch: manifest['base-branch'],
      featureBranch: featureBranch(claim.job.jobId),
    },
    signal,
  );
  const file = path.join(checkout.scratch, 'plan.json');
  await reportStart(context, engine);
  const result = await runEngine(context, engine, checkout, {
    repo,
    prompt: composePlanPrompt(claim.job, file),
    env: {
      ...context.environment(checkout.scratch),
      [PLAN_VARIABLE]: file,
    },
  });
  const failure = failureOf(result, claim.job);
  if (failure) return failure;
  const { usage } = result as Extract<EngineResult, { kind: 'completed' }>;
  const read = await readPlan(file);
  if (typeof read === 'string') return failed('engine_failed', read, usage, 0);
  log.note(`planned ${read.children.length} children: ${read.children.map(({ key }) => key).join(', ')}`);
  return { kind: 'planned', plan: read, usage };
}

/** The plan, or what is wrong with it. That its manifests hold is for the control plane to say. */
async function readPlan(file: string): Promise<Plan | string> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing
      ? `the engine ended without a plan: expected JSON in the file that ${PLAN_VARIABLE} names`
      : `the plan is no JSON: ${reasonOf(error)}`;
  }
  const parsed = PlanSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `- ${issue.path.join('.')}: ${issue.message}`);
  return `the plan does not fit its schema:\n${problems.slice(0, MAX_SHOWN_PROBLEMS).join('\n')}`;
}
