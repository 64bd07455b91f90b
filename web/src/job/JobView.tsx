import type { JobDetail } from '../../../shared/contract/api.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { navigate, setParam, useAddress } from '../router.js';
import { assertExhaustive } from '../../../shared/errors.js';
import { ArtifactList } from './ArtifactList.js';
import { ChangeTab } from './ChangeTab.js';
import { GraphTab } from './GraphTab.js';
import { JobHeader } from './JobHeader.js';
import { JobNotices } from './JobNotices.js';
import { LogTab } from './LogTab.js';
import { ManifestTab } from './ManifestTab.js';
import { RollupPanel } from './RollupPanel.js';
import { Runs } from './Runs.js';
import { StageRail } from './StageRail.js';
import { TABS, tabOf, Tabs, type Tab } from './Tabs.js';
import { Timeline } from './Timeline.js';
import { WhyTab } from './WhyTab.js';

function TabPanel({ tab, detail }: { tab: Tab; detail: JobDetail }) {
  switch (tab) {
    case 'log':
      return <LogTab detail={detail} />;
    case 'change':
      return <ChangeTab job={detail.job} />;
    case 'artifacts':
      return <ArtifactList jobId={detail.job.jobId} runs={detail.runs} />;
    case 'why':
      return <WhyTab jobId={detail.job.jobId} />;
    case 'graph':
      return <GraphTab jobId={detail.job.jobId} />;
    case 'manifest':
      return <ManifestTab job={detail.job} />;
    default:
      return assertExhaustive(tab);
  }
}

/** The page of a job: what it is and what may be done, its story at the side, and one of six views. */
export function JobView({ detail, onChanged }: { detail: JobDetail; onChanged: () => void }) {
  const { search } = useAddress();
  const tab = tabOf(new URLSearchParams(search).get('tab'));
  const choose = (next: Tab): void => {
    setParam('tab', next === 'log' ? undefined : next);
  };
  const numbers = TABS.map((each, index) => [
    String(index + 1),
    () => {
      choose(each);
    },
  ]);
  useHotkeys({
    ...Object.fromEntries(numbers),
    Escape: () => {
      navigate('/');
    },
  });
  return (
    <>
      <JobHeader detail={detail} onChanged={onChanged} />
      <StageRail detail={detail} />
      {detail.rollup && <RollupPanel job={detail.job} rollup={detail.rollup} />}
      <JobNotices
        detail={detail}
        tab={tab}
        onWhy={() => {
          choose('why');
        }}
      />
      <div className="job-columns">
        <section className="job-main" aria-label="Details">
          <Tabs current={tab} job={detail.job} runs={detail.runs} onChoose={choose} />
          <div id="job-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
            <TabPanel tab={tab} detail={detail} />
          </div>
        </section>
        <aside className="job-side">
          <Timeline events={detail.events} stage={detail.job.stage} />
          <Runs runs={detail.runs} />
        </aside>
      </div>
    </>
  );
}
