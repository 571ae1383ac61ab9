/**
 * The matrix rain behind the panel: one canvas, few columns, a step every so often. A step copies a glyph to each column
 * and fainter ones over those above it, all from a sheet that was drawn once, so that no text is laid out while it rains
 * and the price does not grow with the screen's height. Nothing runs in a hidden tab.
 */
import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { intensity, mayMove } from '../state/preferences.ts';

const glyphs =
  'アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン0123456789ABCDEF<>/*+=';
/** Where no graphics processor helps, a step costs the whole window; five a second stay below 5 % of a core even there. */
const stepMs = 200;
const glyphPx = 16;
const tailGlyphs = 22;
const ground = '#04080a';
/** From the tip of a drop to its end. */
const colors = ['#9fd9bd', '#147a45', '#0b3d25'];
/** Share of the columns in which it rains, by intensity. */
const shares = [0, 0.18, 0.34, 0.6];

interface Drop {
  column: number;
  row: number;
  /** Steps until the next glyph: slow drops fall every second step. */
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
  const painter = new Painter(canvas);
  const fit = (): void => {
    painter.fit();
    drops = dropsFor(canvas, share);
  };
  const go = (): void => {
    clearInterval(timer);
    if (!document.hidden) timer = window.setInterval(() => step(painter, drops), stepMs);
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
  const painter = new Painter(canvas);
  const paint = (): void => {
    painter.fit();
    for (const { column, row } of dropsFor(canvas, share))
      for (let tail = 0; tail < tailGlyphs; tail++)
        painter.glyph(column, row - tail, tail === 0 ? 0 : tail < 11 ? 1 : 2);
  };
  paint();
  addEventListener('resize', paint);
  return () => removeEventListener('resize', paint);
}

/** Copies glyphs onto the canvas. */
class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #sheet = document.createElement('canvas');

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = contextOf(canvas);
    this.#sheet.width = glyphs.length * glyphPx;
    this.#sheet.height = colors.length * glyphPx;
    const context = contextOf(this.#sheet);
    context.fillStyle = ground;
    context.fillRect(0, 0, this.#sheet.width, this.#sheet.height);
    context.font = `bold ${glyphPx - 2}px monospace`;
    for (const [line, color] of colors.entries()) {
      context.fillStyle = color;
      for (let at = 0; at < glyphs.length; at++)
        context.fillText(glyphs.charAt(at), at * glyphPx + 1, line * glyphPx + glyphPx - 3);
    }
  }

  /** How many glyphs fit below each other. */
  get rows(): number {
    return Math.ceil(this.#canvas.height / glyphPx);
  }

  /** Takes the size of the window, and clears all. */
  fit(): void {
    // At one pixel a pixel, whatever the display: each of them is copied at every step.
    this.#canvas.width = innerWidth;
    this.#canvas.height = innerHeight;
    this.#context.fillStyle = ground;
    this.#context.fillRect(0, 0, innerWidth, innerHeight);
  }

  glyph(column: number, row: number, shade: number): void {
    const at = Math.floor(Math.random() * glyphs.length);
    const x = column * glyphPx;
    this.#context.drawImage(
      this.#sheet,
      at * glyphPx,
      shade * glyphPx,
      glyphPx,
      glyphPx,
      x,
      row * glyphPx,
      glyphPx,
      glyphPx,
    );
  }

  clear(column: number, row: number): void {
    this.#context.fillRect(column * glyphPx, row * glyphPx, glyphPx, glyphPx);
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('this browser has no canvas');
  return context;
}

function dropsFor(canvas: HTMLCanvasElement, share: number): Drop[] {
  const rows = Math.ceil(canvas.height / glyphPx);
  return Array.from({ length: Math.ceil(canvas.width / glyphPx) }, (_, column) => column)
    .filter(() => Math.random() < share)
    .map((column) => ({
      column,
      row: Math.floor(Math.random() * (rows + tailGlyphs)) - tailGlyphs,
      pause: 0,
      slowness: Math.floor(Math.random() * 2),
    }));
}

function step(painter: Painter, drops: Drop[]): void {
  const end = painter.rows + tailGlyphs;
  for (const drop of drops) {
    if (drop.pause-- > 0) continue;
    drop.pause = drop.slowness;
    painter.clear(drop.column, drop.row - tailGlyphs);
    painter.glyph(drop.column, drop.row - Math.floor(tailGlyphs / 2), 2);
    painter.glyph(drop.column, drop.row - 1, 1);
    painter.glyph(drop.column, drop.row, 0);
    drop.row = drop.row > end ? -Math.floor(Math.random() * tailGlyphs) : drop.row + 1;
  }
}
