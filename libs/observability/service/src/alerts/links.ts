import type { Position } from '@downbeat/eventsourcing';

const API = '/api/orchestration';

export interface Links {
  readonly alert: string;
  readonly view?: string;
  readonly runbook?: string;
}

/** Where to look: what it is about as it was when it fired, and what to do. */
export function linksOf(
  said: { readonly alert_id: string; readonly view?: string; readonly runbook?: string },
  firedPosition: Position | null,
  base = '',
): Links {
  const at = (path: string): string => {
    const url = `${base}${API}${path}`;
    if (firedPosition === null) return url;
    return `${url}${path.includes('?') ? '&' : '?'}at=${firedPosition}`;
  };
  return {
    alert: at(`/alerts/${said.alert_id}`),
    ...(said.view !== undefined && { view: at(said.view) }),
    ...(said.runbook !== undefined && { runbook: said.runbook }),
  };
}
