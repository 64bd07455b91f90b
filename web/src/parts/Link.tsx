import type { MouseEvent, ReactNode } from 'react';
import { navigate } from '../router.js';

interface Props {
  to: string;
  className?: string | undefined;
  current?: boolean;
  title?: string;
  tabIndex?: number;
  children: ReactNode;
}

/** A link within the console; a click with a modifier opens a tab as everywhere. */
export function Link({ to, className, current = false, title, tabIndex, children }: Props) {
  const onClick = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a
      href={to}
      className={className}
      title={title}
      tabIndex={tabIndex}
      aria-current={current ? 'page' : undefined}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
