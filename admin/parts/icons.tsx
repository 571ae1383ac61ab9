/** The panel's icons: strokes on a grid of 24, decoration beside a text. */
const paths = {
  dashboard: 'M3 12h4l3-8 4 16 3-8h4',
  'client-keys': 'M15 4a5 5 0 1 1-4 8l-7 7v2h4v-3h3v-3h1',
  'gemini-keys': 'M12 2l3 7 7 3-7 3-3 7-3-7-7-3 7-3z',
  requests: 'M4 6h16M4 12h16M4 18h10',
  playground: 'M5 4l14 8-14 8z',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 4v6M8 14v6',
  users: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-6 7-6s7 2 7 6M17 4a4 4 0 0 1 0 7M22 21c0-3-1-5-4-6',
  account: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3-6 8-6s8 2 8 6',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  menu: 'M4 6h16M4 12h16M4 18h16',
  close: 'M5 5l14 14M19 5L5 19',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  add: 'M12 4v16M4 12h16',
  warning: 'M12 3l10 18H2zM12 10v5M12 18v1',
  check: 'M4 13l5 5L20 6',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  edit: 'M4 20h4L20 8l-4-4L4 16z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  play: 'M6 4l14 8-14 8z',
  stop: 'M6 6h12v12H6z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
