import { Dialog } from '../parts/Dialog.js';

const KEYS: readonly { title: string; keys: readonly (readonly [key: string, what: string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['g j', 'jobs'],
      ['g f', 'fleet'],
      ['t', 'theme'],
      ['?', 'these keys'],
      ['Esc', 'close, or back'],
    ],
  },
  {
    title: 'Jobs',
    keys: [
      ['j k', 'next, previous'],
      ['Enter', 'open'],
      ['/', 'filter'],
      ['n', 'new job'],
    ],
  },
  {
    title: 'One job',
    keys: [
      ['1 … 4', 'log, change, why, manifest'],
      ['s', 'ship'],
      ['f', 'follow the log'],
      ['/', 'search the log'],
    ],
  },
];

/** The keys of every screen. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="keys">
        {KEYS.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(' ').map((part) => (
                      <kbd key={part}>{part}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
