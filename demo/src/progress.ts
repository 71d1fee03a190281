import type { Journal } from './journal.ts';
import { paint } from './paint.ts';
import type { Traffic } from './shoppers/traffic.ts';

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

interface Seen {
  at: number;
  requests: number;
  orders: number;
  reads: { monolith: number; service: number };
  writes: { monolith: number; service: number };
}

/** One line that lives: on a terminal it is written over four times a second, elsewhere once in ten seconds. */
export class Progress {
  readonly #traffic: Traffic;
  readonly #journal: Journal;
  readonly #out: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #history: Seen[] = [];
  /** What the present step says of itself. */
  note = '';

  constructor(traffic: Traffic, journal: Journal, out: NodeJS.WriteStream) {
    this.#traffic = traffic;
    this.#journal = journal;
    this.#out = out;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    this.#out.write(`${this.#clock()}  ${line}\n`);
  }

  #clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[2K');
  }

  #clock(): string {
    const seconds = Math.floor((performance.now() - this.#startedAt) / 1_000);
    return paint(
      'dim',
      `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`,
    );
  }

  #tick(): void {
    this.#turn += 1;
    this.#history.push(this.#look());
    if (this.#history.length > 9) this.#history.shift();
    if (!this.#out.isTTY) {
      if (this.#turn % 40 === 0 && this.#traffic.requests > 0)
        this.#out.write(`${this.#clock()}  ${this.#line()}\n`);
      return;
    }
    const line = `${this.#clock()} ${paint('cyan', spinner[this.#turn % spinner.length] ?? '')} ${this.#line()}`;
    this.#clear();
    this.#out.write(cut(line, this.#out.columns || 120));
  }

  #look(): Seen {
    const reads = { monolith: 0, service: 0 };
    const writes = { monolith: 0, service: 0 };
    for (const row of this.#traffic.rows()) {
      const sum =
        row.route === 'create' ? writes : row.route === 'get' || row.route === 'list' ? reads : undefined;
      if (sum === undefined) continue;
      sum.monolith += row.monolith;
      sum.service += row.service;
    }
    return {
      at: performance.now(),
      requests: this.#traffic.requests,
      orders: this.#journal.placed.size,
      reads,
      writes,
    };
  }

  #line(): string {
    const [first, last] = [this.#history[0], this.#history.at(-1)];
    if (!first || !last || this.#traffic.requests === 0) return `${this.#traffic.step} ${this.note}`;
    const seconds = Math.max(0.001, (last.at - first.at) / 1_000);
    const rate = (pick: (seen: Seen) => number) => Math.round((pick(last) - pick(first)) / seconds);
    const reads = { monolith: rate((s) => s.reads.monolith), service: rate((s) => s.reads.service) };
    const writes = { monolith: rate((s) => s.writes.monolith), service: rate((s) => s.writes.service) };
    const { failed, stale } = this.#traffic;
    const bad = failed + stale.length;
    return [
      paint('bold', this.#traffic.step.padEnd(22)),
      `${String(rate((s) => s.requests)).padStart(3)} req/s`,
      `${String(rate((s) => s.orders)).padStart(2)} orders/s`,
      `writes ${bar(writes)}`,
      `reads ${bar(reads)}`,
      `p50 ${Math.round(this.#traffic.percentileMs(0.5))} p99 ${Math.round(this.#traffic.percentileMs(0.99))} ms`,
      bad === 0 ? paint('green', '0 failed') : paint('red', `${failed} failed ${stale.length} stale`),
      this.note,
    ].join('  ');
  }
}

/** Ten cells: light for the monolith, full for the service; dots when nobody answers. */
function bar(of: { monolith: number; service: number }): string {
  const all = of.monolith + of.service;
  if (all === 0) return paint('dim', '··········');
  const service = Math.round((of.service / all) * 10);
  return paint('yellow', '░'.repeat(10 - service)) + paint('blue', '█'.repeat(service));
}

/** Cuts a line with colour codes to the terminal's width. */
function cut(line: string, width: number): string {
  let room = width - 1;
  let out = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with one
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith('\x1b')) out += part;
    else {
      out += part.slice(0, Math.max(0, room));
      room -= part.length;
    }
  }
  return out;
}
