/** What the doctor says: one finding a line, in areas, each with its cure when there is something to do. */
export const areas = ['configuration', 'host', 'database', 'gemini', 'gateway'] as const;
export type Area = (typeof areas)[number];

export interface Finding {
  area: Area;
  /** A warning is worth a look; a problem keeps the gateway from doing its work. */
  level: 'ok' | 'warning' | 'problem';
  text: string;
  /** What to do about it, as an operator can do it. */
  cure?: string;
}

export function ok(area: Area, text: string): Finding {
  return { area, level: 'ok', text };
}

export function warning(area: Area, text: string, cure: string): Finding {
  return { area, level: 'warning', text, cure };
}

export function problem(area: Area, text: string, cure: string): Finding {
  return { area, level: 'problem', text, cure };
}
