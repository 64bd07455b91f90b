import { readFileSync } from 'node:fs';
import { CosmosClient } from '@azure/cosmos';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import type { JobView } from '../../shared/contract/view.js';
import type { Profile } from '../../shared/contract/profile.js';
import { CONTROL, DATABASE } from '../../shared/topology.js';
import { browserPath, openBrowser } from '../support/browser.js';
import { git, reach, startTestSystem, until, type System } from '../support/system.js';

describe.runIf(browserPath)('the console', { timeout: 90_000 }, () => {
  let system: System;
  let dispose: () => Promise<void>;
  let browser: Browser;
  let page: Page;
  let jobId: string;
  const troubles: string[] = [];

  beforeAll(async () => {
    ({ system, dispose } = await startTestSystem({ sample: true }));
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text());
    });
    jobId = await until('the sample job', async () => {
      const { jobs } = (await system.api('GET', 'jobs')) as { jobs: JobView[] };
      return jobs[0]?.jobId;
    });
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    await dispose();
  });

  it('signs in, lists the job and shows it with its log while it comes', async () => {
    await page.goto(system.consoleUrl);
    await page.getByText('Volume discount for large orders').first().click();
    await page.getByText('verify passed').first().waitFor();
    await page.getByText('Assigned to factory-1').first().waitFor();
    expect(page.url()).toContain(jobId);
  });

  it('says why the job went where it went', async () => {
    await page.getByText('Score and who else was considered').first().click();
    const decision = page.getByText('The only ready job that factory-1 can run now.').first();
    await decision.waitFor();
    expect(await decision.isVisible()).toBe(true);
  });

  it('ships by the button, after asking', async () => {
    await reach(system, jobId, 'testing');
    await page.getByRole('button', { name: /^Ship/ }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: /ship/i }).click();
    const { job } = await reach(system, jobId, 'shipped');
    expect(await git(system.sampleRepository, 'rev-parse', 'main')).toBe(job.mergeCommit);
    await page
      .getByText(job.mergeCommit?.slice(0, 7) ?? '\0')
      .first()
      .waitFor();
  });

  it('names the product also when the dialog was open before the products came, and shows every problem with its line', async () => {
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/fleet/products*', async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(system.consoleUrl);
    await page.getByRole('button', { name: /New job/ }).click();
    const dialog = page.getByRole('dialog');
    letGo();
    await expect.poll(() => dialog.getByRole('combobox').inputValue()).toBe('sample');
    await page.unrouteAll({ behavior: 'wait' });
    await dialog.getByRole('textbox').last().fill('---\nengin: shell\npriority: urgent\n---\nhi\n');
    await dialog.getByRole('button', { name: /submit/i }).click();
    for (const place of ['2:', '3:']) {
      const problem = dialog.getByText(place, { exact: false }).first();
      await problem.waitFor();
      expect(await problem.isVisible()).toBe(true);
    }
  });

  it('lists what a run kept, sums its test reports up, and hands a file out that has its checksum', async () => {
    const junit = '<testsuite><testcase name="adds"/><testcase name="odd"><skipped/></testcase></testsuite>';
    const { job } = (await system.api('POST', 'jobs', {
      productId: 'sample',
      text: `---\nengine: shell\ntitle: Keep it\nrepo: ${system.sampleRepository}\nverify: "cp KEPT.txt kept.txt; cp REPORT.md junit.xml"\nartifacts: [kept.txt]\n---\necho to keep > KEPT.txt; echo '${junit}' > REPORT.md\n`,
    })) as { job: JobView };
    const { runs } = await reach(system, job.jobId, 'testing');
    await page.goto(`${system.consoleUrl}/jobs/${job.jobId}?tab=change`);
    await page.getByText('2 files, +2 −0').waitFor({ timeout: 10_000 });
    await page.getByLabel('Test reports').getByText('1 passed · 1 skipped').waitFor();
    await page.getByRole('tab', { name: 'Artifacts 1' }).click();
    const kept = page.getByLabel('Artifacts', { exact: true });
    await kept.getByText(`sha256 ${runs[0]?.artifacts?.[0]?.sha256.slice(0, 12)}`).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      kept.getByRole('button', { name: 'kept.txt' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('kept.txt');
    expect(readFileSync(await download.path(), 'utf8')).toBe('to keep\n');
  });

  it('has no page that is wider than a telephone', async () => {
    const narrow = await browser.newPage({ viewport: { width: 390, height: 844 } });
    await narrow.goto(system.consoleUrl);
    await narrow.getByText('Volume discount for large orders').first().waitFor();
    for (const path of ['/', `/jobs/${jobId}`, `/jobs/${jobId}?tab=manifest`, '/fleet', '/profiles']) {
      await narrow.goto(system.consoleUrl + path);
      await narrow.getByRole('heading').first().waitFor();
      if (path.startsWith('/jobs/')) await narrow.getByRole('tab', { name: 'Manifest' }).waitFor();
      expect([path, await narrow.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
    }
    await narrow.close();
  });

  it('shows the fleet', async () => {
    await page.goto(`${system.consoleUrl}/fleet`);
    await page.getByText('factory-1').first().waitFor();
    const engine = page.getByText('engine:shell').first();
    await engine.waitFor();
    expect(await engine.isVisible()).toBe(true);
  });

  it('shows what no function could work on, until a retry goes through', async () => {
    const { job, events } = (await system.api('GET', `jobs/${jobId}`)) as JobDetail;
    const about = `${jobId}:event:00000001`;
    const cosmos = new CosmosClient(system.cloud.cosmos);
    const now = new Date().toISOString();
    await cosmos
      .database(DATABASE)
      .container(CONTROL)
      .items.create({
        id: `parked:dispatchReadyJobs:${about}`,
        type: 'parked',
        productId: job.productId,
        by: 'dispatchReadyJobs',
        // As it is stored.
        what: { id: 'event:00000001', type: 'event', ...events[0] },
        error: 'Error: not on a Saturday',
        at: now,
        retryAt: new Date(Date.parse(now) + 3_600_000).toISOString(),
        retries: 0,
      });
    cosmos.dispose();
    await page.goto(`${system.consoleUrl}/fleet`);
    const row = page.getByRole('row', { name: new RegExp(about) });
    await row.getByText('not on a Saturday').waitFor();
    await row.getByRole('button', { name: 'Retry' }).click();
    await row.waitFor({ state: 'detached' });
    expect(await system.api('GET', 'parked')).toEqual({ parked: [], total: 0 });
  });

  it('draws a composite with its children, which end it', async () => {
    const { job } = (await system.api('POST', 'jobs', {
      productId: 'sample',
      text: '---\nkind: composite\ntitle: Two pages\n---\nTwo pages.',
    })) as { job: JobView };
    const child = (key: string, deps: string[]) => ({
      key,
      manifest: {
        title: `Page ${key}`,
        engine: 'shell',
        body: `echo ${key} > ${key}.txt`,
        verify: 'git diff --exit-code',
        'review-policy': 'auto',
        deps,
      },
    });
    await system.api('POST', `jobs/${job.jobId}/children`, {
      children: [child('one', []), child('two', ['one'])],
    });
    await page.goto(`${system.consoleUrl}/jobs/${job.jobId}?tab=graph`);
    const graph = page.getByLabel('Graph of 3 jobs');
    await graph.getByText('Page two').waitFor();
    await reach(system, job.jobId, 'shipped');
    await page.getByText('All 2 children shipped').first().waitFor();
    await expect.poll(() => graph.getByText('Shipped').count(), { timeout: 10_000 }).toBe(3);
    const rollup = page.getByLabel('Children in all');
    await rollup.getByText('2: 2 shipped').waitFor();
    expect(await rollup.getByText('2 passed, 0 failed, 0 open').isVisible()).toBe(true);
  });

  it('says of a composite which children it waits for, and nothing of lanes and pools', async () => {
    const { job } = (await system.api('POST', 'jobs', {
      productId: 'sample',
      text: '---\nkind: composite\ntitle: One app\n---\nOne app.',
    })) as { job: JobView };
    await system.api('POST', `jobs/${job.jobId}/children`, {
      children: [{ key: '01-app', manifest: { body: 'true', capabilities: ['has:xcode'] } }],
    });
    await page.goto(`${system.consoleUrl}/jobs/${job.jobId}?tab=why`);
    await page.getByText('Waits for its children: 0 of 1 shipped, open 01-app (queued).').first().waitFor();
    await page.getByText('What would let it go on: 01-app placed').first().waitFor();
    for (const word of ['Lane', 'Pools', 'Factories'])
      expect(await page.locator('.panel-body').getByText(word, { exact: true }).count()).toBe(0);
    await page.getByRole('table', { name: 'Waits for' }).getByRole('link', { name: '01-app' }).click();
    await page.getByText('No pool has has:xcode.').first().waitFor();
  });

  it('shows the profiles with their personas and versions', async () => {
    await page.goto(`${system.consoleUrl}/profiles`);
    await page.getByRole('button', { name: /QA engineer/ }).click();
    await page.getByText('A test states one promise in its name').waitFor();
    expect(await page.getByText('the catalogue as it was shipped').isVisible()).toBe(true);
  });

  it('edits a profile as the file that it is, tells what the version changed, and refuses what is not the newest', async () => {
    const edit = async (from: string, to: string): Promise<void> => {
      await page.getByRole('button', { name: 'Edit', exact: true }).click();
      const area = dialog.getByRole('textbox').first();
      await area.fill((await area.inputValue()).replace(from, to));
    };
    const dialog = page.getByRole('dialog');
    await page.goto(`${system.consoleUrl}/profiles?product=sample&profile=docs-writer`);
    await edit('summary: "', 'sumary: "');
    await dialog.getByRole('button', { name: 'Save as version 1' }).click();
    await dialog.getByText('there is no field "sumary"').waitFor();
    await dialog.getByRole('button', { name: 'Discard' }).click();

    await edit('summary: "', 'summary: "In rhymes. ');
    await dialog.getByLabel('Why, for the record').fill('poetry week');
    // The list comes late: the next edit is under way by then, and stays.
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/fleet/profiles/sample', async (route) => {
      await held;
      await route.continue();
    });
    await dialog.getByRole('button', { name: 'Save as version 1' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('poetry week').waitFor();

    await edit('In rhymes. ', 'In prose. ');
    letGo();
    await page.getByText('sample’s own').waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    // Somebody else is faster.
    const owner = 'profiles/sample';
    const { profiles } = (await system.api('GET', owner)) as { profiles: Profile[] };
    const own = profiles.find(({ name }) => name === 'docs-writer');
    await system.api('PUT', `${owner}/docs-writer`, {
      profile: { ...own?.spec, summary: 'In silence.' },
      basedOn: 1,
    });
    await dialog.getByRole('button', { name: 'Save as version 2' }).click();
    await dialog.getByText('is at version 2, and you edited version 1').waitFor();
    await dialog.getByRole('button', { name: 'Discard' }).click();
    await page.reload();
    const change = page.getByLabel('What version 2 changed');
    await change.getByText(/^\+ summary: "In silence/).waitFor();
    expect(await change.getByText(/^− summary: "In rhymes/).isVisible()).toBe(true);
  });

  it('offers the products that there are, and marks the profiles of their own', async () => {
    await page.goto(`${system.consoleUrl}/profiles`);
    const list = page.getByRole('navigation', { name: 'Profiles' });
    await list.getByText('docs-writer').waitFor();
    expect(await list.getByText('’s own').count()).toBe(0);
    await page.getByLabel('Profiles of').selectOption('sample');
    await list.getByText('sample’s own').waitFor();
    expect(await list.getByText('sample’s own').count()).toBe(1);
    expect(new URL(page.url()).searchParams.get('product')).toBe('sample');
    await page.getByLabel('Profiles of').selectOption('fleet');
    await list.getByText('sample’s own').waitFor({ state: 'detached' });
  });

  it('takes a job for a product that has none yet, and narrows the table to such a product', async () => {
    for (const [productId, name] of [
      ['bakery', 'Bakery'],
      ['quiet', 'quiet'],
    ])
      await system.api('PUT', `products/${productId}`, {
        name,
        defaults: { repo: system.sampleRepository, engine: 'shell' },
      });
    await page.evaluate("sessionStorage.removeItem('gigafactory.product')");
    await page.goto(system.consoleUrl);
    const filter = page.getByRole('search').getByLabel('Product');
    await filter.selectOption('quiet');
    await page.getByText('No job fits the filter').waitFor();
    expect(new URL(page.url()).searchParams.get('product')).toBe('quiet');
    await filter.selectOption('');

    await page.getByRole('button', { name: /New job/ }).click();
    const dialog = page.getByRole('dialog');
    const product = dialog.getByLabel('Product');
    // None of three is the one that everybody means.
    await expect.poll(() => product.locator('option').allTextContents()).toHaveLength(4);
    expect(await product.inputValue()).toBe('');
    expect(await product.locator('option', { hasText: 'Bakery (bakery)' }).count()).toBe(1);
    await product.selectOption('bakery');
    await dialog.getByRole('button', { name: 'Use the example' }).click();
    await dialog.getByRole('button', { name: /^Submit/ }).click();
    await page.waitForURL(/\/jobs\/job-/);
    const { job } = (await system.api(
      'GET',
      `jobs/${new URL(page.url()).pathname.split('/').pop()}`,
    )) as JobDetail;
    expect(job.productId).toBe('bakery');
    await page.goto(`${system.consoleUrl}/?product=bakery`);
    await page.getByRole('table').getByRole('link', { name: 'Say hello' }).waitFor();
  });

  it('made no errors on the way', () => {
    // What was refused (400, 409) the browser reports as well.
    expect(troubles.filter((trouble) => !/40[09]/.test(trouble))).toEqual([]);
  });
});
