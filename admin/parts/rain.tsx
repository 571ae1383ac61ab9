/**
 * The matrix rain behind the panel: one canvas, few columns, a step every so often. A step paints one glyph a column and
 * fades what is above it, so its price does not grow with the screen's height. Nothing runs in a hidden tab.
 */
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { intensity, mayMove } from '../state/preferences.ts';

const glyphs =
  'アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン0123456789ABCDEF<>/*+=';
const stepMs = 150;
const glyphPx = 16;
const tailGlyphs = 22;
/** Share of the columns in which it rains, by intensity. */
const shares = [0, 0.18, 0.34, 0.6];

interface Drop {
  column: number;
  row: number;
  /** Steps until the next glyph: slow drops fall every second or third step. */
  pause: number;
  slowness: number;
}

export function Rain() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const share = shares[intensity.value] ?? 0;
    const isMoving = mayMove() && share > 0;
    const element = canvas.current;
    if (element === null) return;
    element.hidden = share === 0;
    return isMoving ? rain(element, share) : still(element, share);
  });
  return <canvas ref={canvas} class="rain" />;
}

/** Lets it rain until the function that it gives is called. */
function rain(canvas: HTMLCanvasElement, share: number): () => void {
  let timer = 0;
  let drops: Drop[] = [];
  const context = prepare(canvas);
  const fit = (): void => {
    resize(canvas, context);
    drops = dropsFor(canvas, share);
  };
  const go = (): void => {
    clearInterval(timer);
    if (!document.hidden) timer = window.setInterval(() => step(canvas, context, drops), stepMs);
  };
  fit();
  go();
  addEventListener('resize', fit);
  document.addEventListener('visibilitychange', go);
  return () => {
    clearInterval(timer);
    removeEventListener('resize', fit);
    document.removeEventListener('visibilitychange', go);
  };
}

/** One picture of it, for those who want nothing to move. */
function still(canvas: HTMLCanvasElement, share: number): () => void {
  const context = prepare(canvas);
  const paint = (): void => {
    resize(canvas, context);
    for (const drop of dropsFor(canvas, share))
      for (let tail = 0; tail < tailGlyphs; tail++)
        glyph(context, drop.column, drop.row - tail, 0.5 - tail / (tailGlyphs * 2));
  };
  paint();
  addEventListener('resize', paint);
  return () => removeEventListener('resize', paint);
}

function prepare(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { alpha: true });
  if (context === null) throw new Error('this browser has no canvas');
  return context;
}

function resize(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): void {
  // At one pixel a pixel, whatever the display: it is a background, and four times the pixels cost four times the work.
  canvas.width = innerWidth;
  canvas.height = innerHeight;
  context.font = `${glyphPx - 2}px monospace`;
}

function dropsFor(canvas: HTMLCanvasElement, share: number): Drop[] {
  const rows = Math.ceil(canvas.height / glyphPx);
  return Array.from({ length: Math.ceil(canvas.width / glyphPx) }, (_, column) => column)
    .filter(() => Math.random() < share)
    .map((column) => ({
      column,
      row: Math.floor(Math.random() * (rows + tailGlyphs)) - tailGlyphs,
      pause: 0,
      slowness: Math.floor(Math.random() * 3),
    }));
}

function step(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, drops: Drop[]): void {
  const rows = Math.ceil(canvas.height / glyphPx) + tailGlyphs;
  for (const drop of drops) {
    if (drop.pause-- > 0) continue;
    drop.pause = drop.slowness;
    clear(context, drop.column, drop.row - tailGlyphs);
    repaint(context, drop.column, drop.row - Math.floor(tailGlyphs / 2), 0.16);
    repaint(context, drop.column, drop.row - 1, 0.42);
    glyph(context, drop.column, drop.row, 1);
    drop.row = drop.row > rows ? -Math.floor(Math.random() * tailGlyphs) : drop.row + 1;
  }
}

function clear(context: CanvasRenderingContext2D, column: number, row: number): void {
  context.clearRect(column * glyphPx, row * glyphPx, glyphPx, glyphPx);
}

function repaint(context: CanvasRenderingContext2D, column: number, row: number, strength: number): void {
  clear(context, column, row);
  glyph(context, column, row, strength);
}

function glyph(context: CanvasRenderingContext2D, column: number, row: number, strength: number): void {
  context.fillStyle = strength === 1 ? '#c8ffe0' : `rgba(43, 255, 136, ${strength})`;
  const character = glyphs[Math.floor(Math.random() * glyphs.length)] ?? '0';
  context.fillText(character, column * glyphPx + 2, row * glyphPx + glyphPx - 3);
}
