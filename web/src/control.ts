/** The control plane and the signed-in person, for every component. */
import { createContext, use } from 'react';
import type { Client } from '../../shared/client.js';
import type { Session } from './session.js';

export interface Control {
  readonly client: Client;
  readonly session: Session;
  readonly apiUrl: string;
}

export const ControlContext = createContext<Control | undefined>(undefined);

/** @throws Error outside the provider: a defect */
export function useControl(): Control {
  const control = use(ControlContext);
  if (!control) throw new Error('no control plane above this component');
  return control;
}
